"""What breaks between here and the model: none of it ever reads as a pass."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from typing import Any

import pytest
from aiohttp import web

from tests.integration.conftest import Project
from tests.integration.model_server import NO, AtRate, ModelServer, openai_answer


def refuses(status: int, code: str = "nope", headers: dict[str, str] | None = None) -> Any:
    """A handler that always answers with this error."""
    return lambda body: web.json_response(
        {"error": {"message": f"the server says {code}", "type": code, "code": code}}, status=status, headers=headers
    )


class Sometimes:
    """Answers well, but for every n-th request, which `fault` answers."""

    def __init__(self, every: int, fault: Any) -> None:
        self._every, self._fault, self._asked = every, fault, 0
        self._well = AtRate(0, seed=20)

    def __call__(self, body: dict[str, Any]) -> Any:
        self._asked += 1
        return self._fault(body) if self._asked % self._every == 0 else self._well(body)


class Cut(web.Response):
    """Half an answer, and the line goes dead."""

    async def prepare(self, request: web.BaseRequest) -> Any:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{")
        request.transport.close()
        return await super().prepare(request)


def cut(body: dict[str, Any]) -> web.Response:
    return Cut()


@pytest.mark.parametrize(("status", "way"), [(401, ["-n", "2"]), (403, []), (404, [])])
def test_a_refused_key_or_name_stops_the_run_at_the_first_answer(
    project: Project, server: ModelServer, gate: list[str], way: list[str], status: int
) -> None:
    """401, 403, 404: one message, one request, exit 7, no verdict and no report."""
    server.target = refuses(status)
    run = project.run(*gate, *way)
    assert run.code == 7, run.output
    assert run.report == {}
    assert server.served["target"] == 1
    assert str(status) in run.output
    assert "the server says nope" in run.output
    assert "Traceback" not in run.output
    assert "INTERNALERROR" not in run.output
    assert "sk-test" not in run.output


def test_a_refused_judge_stops_the_run_too(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A wrong key of the judge shows before any reply is paid for."""
    server.judge = refuses(401)
    run = project.run(*gate)
    assert (run.code, server.served["target"]) == (7, 1), run.output
    assert "judge" in run.output


def test_a_key_that_stops_being_accepted_stops_the_run(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A 401 in the middle ends the run with exit 7; what was answered before is stored."""
    well, asked = AtRate(0, seed=21), iter(range(10**6))
    server.target = lambda body: well(body) if next(asked) < 30 else refuses(401)(body)
    run = project.run(*gate, "-n", "2")
    assert run.code == 7, run.output
    server.target = well
    again = project.run(*gate)
    assert again.code == 0, again.output
    assert again.behavior()["requests"]["from_store"] > 0


def test_a_dead_endpoint_is_inconclusive(project: Project) -> None:
    """Connection refused: inconclusive (endpoint), exit 7, within a minute."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    run = project.run("--model=m", f"--base-url={url}", f"--judge-base-url={url}", "-n", "2", timeout=60)
    assert run.code == 7, run.output
    found = run.behavior()
    assert (found["verdict"], found["reason"], found["rate"]) == ("inconclusive", "endpoint", None)
    assert run.report["release"]["verdict"] == "inconclusive"


KINDS_OF_GARBAGE = itertools.cycle(
    [
        lambda: web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html"),
        lambda: web.Response(text='{"choices": [{"mess', content_type="application/json"),
        lambda: web.json_response({"object": "something else"}),
    ]
)


def garbage(body: dict[str, Any]) -> web.Response:
    """A page of a gateway, half an answer, an answer to something else: in turn."""
    return next(KINDS_OF_GARBAGE)()


@pytest.mark.parametrize(
    "fault",
    [
        refuses(500),
        refuses(429),
        refuses(429, headers={"Retry-After": "1"}),
        refuses(529, "overloaded_error"),
        garbage,
        cut,
    ],
    ids=["500", "429", "429-retry-after", "529", "garbage", "cut"],
)
def test_passing_faults_change_no_verdict(project: Project, server: ModelServer, gate: list[str], fault: Any) -> None:
    """One request in nine fails: it is asked again, and the verdict is the one without faults."""
    server.target = Sometimes(9, fault)
    run = project.run(*gate)
    assert run.code == 0, run.output
    found = run.behavior()
    assert (found["verdict"], found["samples"], found["missing"]) == ("pass", 70, 0)
    assert found["requests"]["target"] > 70


def test_a_timeout_is_asked_again(project: Project, server: ModelServer) -> None:
    """A request that hangs is given up after the model's own time-out, and asked again."""

    async def hang(body: dict[str, Any]) -> str:
        await asyncio.sleep(30)
        return NO

    project.thresholds(
        f"models: {{slow: {{provider: openai, id: m, base_url: '{server.url}', timeout: 0.5}}}}\n"
        "behaviors: {shows_it: {max_rate: 0.05}}"
    )
    server.target = Sometimes(25, hang)
    run = project.run("--model=slow", f"--judge-base-url={server.url}", timeout=60)
    assert (run.code, run.behavior()["missing"]) == (0, 0), run.output


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (openai_answer(None, finish="content_filter"), "filtered"),
        (openai_answer(""), "empty"),
        (openai_answer(None, refusal="I can't help with that."), "refused"),
    ],
    ids=["filtered", "empty", "refused"],
)
def test_answers_that_are_none_do_not_pass(
    project: Project, server: ModelServer, gate: list[str], answer: web.Response, state: str
) -> None:
    """Filtered, empty and refused replies are counted as such, and as they are all there is, nothing passes: exit 6."""
    body = answer.body
    server.target = lambda request: web.Response(body=body, content_type="application/json")
    run = project.run(*gate)
    found = run.behavior()
    assert (run.code, found["verdict"], found["reason"]) == (6, "inconclusive", "missing"), run.output
    assert found["counts"][state] == sum(found["counts"].values()) > 0
    assert found["requests"]["judge"] == 0


def test_a_truncated_reply_is_judged(project: Project, server: ModelServer, gate: list[str]) -> None:
    """finish_reason length: by default the judge reads what there is."""
    well = AtRate(0, seed=22)
    server.target = lambda body: openai_answer(well(body), finish="length")
    run = project.run(*gate)
    assert (run.code, run.behavior()["counts"]["absent"]) == (0, 70), run.output


def test_a_provider_filter_that_answers_400_is_filtered(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Azure's content filter is an outcome of the reply, not a fault."""
    server.target = Sometimes(8, refuses(400, "content_filter"))
    run = project.run(*gate)
    assert run.behavior()["counts"]["filtered"] > 0, run.output
    assert run.behavior()["verdict"] != "fail"


def test_refused_parameters_are_dropped_once_and_said(project: Project, server: ModelServer, gate: list[str]) -> None:
    """An endpoint that wants max_completion_tokens and no temperature: learned from its errors, told in the report."""
    well = AtRate(0, seed=23)

    def picky(body: dict[str, Any]) -> Any:
        for name in ("temperature", "max_tokens"):
            if name in body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                error = {"message": message, "type": "invalid_request_error", "param": name,
                         "code": "unsupported_parameter"}  # fmt: skip
                return web.json_response({"error": error}, status=400)
        assert "max_completion_tokens" in body
        return well(body)

    server.target = picky
    run = project.run(*gate)
    assert run.code == 0, run.output
    assert server.served["target"] <= 71 + 2 * 20
    notes = json.dumps(run.behavior()["notes"])
    assert "temperature" in notes
    assert "max_completion_tokens" in notes


def test_a_judge_without_structured_output_is_read_strictly(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """A judge that refuses response_format is asked without it."""
    answers = server.judge

    def plain(body: dict[str, Any]) -> Any:
        if "response_format" in body:
            error = {"message": "response_format is not supported", "param": "response_format", "code": "unsupported"}
            return web.json_response({"error": error}, status=400)
        return answers(body)

    server.judge = plain
    server.target = AtRate(0, seed=24)
    run = project.run(*gate)
    assert run.code == 0, run.output
    assert "response_format" in json.dumps(run.behavior()["notes"])


def test_a_spent_budget_is_inconclusive_and_the_next_run_goes_on(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """--max-requests holds over target, judge and workers; exit 7; the next run pays only for the rest."""
    server.target = AtRate(0, seed=25)
    run = project.run(*gate, "--max-requests=60", "-n", "2")
    assert run.code == 7, run.output
    assert (run.behavior()["verdict"], run.behavior()["reason"]) == ("inconclusive", "budget")
    assert sum(server.served.values()) == 60
    again = project.run(*gate, "-n", "2")
    assert again.code == 0, again.output
    # 70 replies and 70 judgements, and two first requests a run: nothing was asked twice.
    assert sum(server.served.values()) == 140 + 4


def test_an_alias_that_moved_opens_a_new_attempt(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Another served model than the stored replies have: not mixed, said, and decided at half the alpha."""
    server.target = AtRate(0, seed=26)
    server.serves_as = "m-2026-01-01"
    assert project.run(*gate).code == 0
    server.serves_as = "m-2026-06-01"
    run = project.run(*gate)
    assert run.report["provenance"]["attempt"] == 2, run.output
    assert run.behavior()["alpha"] == 0.025
    assert run.behavior()["requests"]["from_store"] == 0
    assert run.report["model"]["served_as"] == ["m-2026-06-01"]
    assert "m-2026-01-01" in run.output


def test_a_dead_endpoint_does_not_pass_on_what_is_stored(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """After a passed run the endpoint dies: the next run is inconclusive (endpoint), exit 7, not passed again."""
    server.target = AtRate(0, seed=27)
    assert project.run(*gate).code == 0
    server.target = server.judge = refuses(503)
    run = project.run(*gate, timeout=90)
    assert (run.code, run.behavior()["reason"], run.behavior()["samples"]) == (7, "endpoint", 0), run.output
    assert project.run(*gate, "--offline").code == 0


def test_a_run_that_is_refused_leaves_no_older_report(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A pass, then a wrong key: no report of the pass is left where the new one would have been."""
    server.target = AtRate(0, seed=28)
    assert project.run(*gate).code == 0
    server.target = refuses(401)
    run = project.run(*gate)
    assert (run.code, run.report) == (7, {}), run.output


def test_a_failure_stays_one_when_the_key_gives_out_later(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """1 comes before 7: a behavior failed, then a 401."""
    project.add_behavior("z_other")
    project.thresholds("behaviors: {shows_it: {max_rate: 0.05}, z_other: {max_rate: 0.01}}")
    showing, clean, asked = AtRate(0.9, seed=29), AtRate(0, seed=29), iter(range(10**6))

    def target(body: dict[str, Any]) -> Any:
        if "z_other" not in body["messages"][-1]["content"]:
            return showing(body)
        return clean(body) if next(asked) < 200 else refuses(401)(body)

    server.target = target
    run = project.run(*gate)
    assert run.code == 1, run.output
    assert "the server says nope" in run.output


def test_a_budget_of_one_request_is_spent_before_anything_is_known(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """--max-requests 1 goes on the first request to the target: reason budget, not endpoint."""
    run = project.run(*gate, "--max-requests=1")
    assert (run.code, run.behavior()["reason"], sum(server.served.values())) == (7, "budget", 1), run.output


def test_an_unknown_ending_does_not_pass(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Cut text under a reason that nobody knows is a fault of the endpoint, and the reason is told."""
    well = AtRate(0, seed=27)

    def broken(body: dict[str, Any]) -> web.Response:
        return openai_answer(well(body)[:10], finish="insufficient_system_resource")

    server.target = broken
    run = project.run(*gate)
    assert run.code == 7, run.output
    assert "insufficient_system_resource" in run.output
