"""The gate as its user sees it: verdicts and exit codes of real runs, in all ways to run pytest."""

from __future__ import annotations

import itertools

import pytest

from tests.integration.conftest import Project
from tests.integration.model_server import NO, YES, AtRate, ModelServer


def test_a_clean_model_passes_after_seventy_replies(
    project: Project, server: ModelServer, gate: list[str], every_way: list[str]
) -> None:
    """Rate 0 passes a limit of 5 % after 70 replies with 10 prompts: exit 0, nothing more is asked."""
    server.target = AtRate(0, seed=1)
    run = project.run(*gate, *every_way, fresh=True)
    assert run.code == 0, run.output
    assert run.report["release"]["verdict"] == "pass"
    found = run.behavior()
    assert (found["verdict"], found["samples"], found["exhibited"], found["stopped"]) == ("pass", 70, 0, "decided")
    assert found["requests"] == {"target": 70, "judge": 70, "from_store": 0}
    # One first request to each of target and judge, and no more than what was reported.
    assert server.served == {"target": 71, "judge": 71}
    assert run.report["spent"]["requests"] == 142


def test_a_model_at_thirty_percent_fails(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A rate of 30 % fails a limit of 5 % with exit 1, and the failure shows what was said."""
    server.target = AtRate(0.3, seed=2)
    run = project.run(*gate)
    assert run.code == 1, run.output
    found = run.behavior()
    assert (run.report["release"]["failed"], found["verdict"]) == (["shows_it"], "fail")
    assert found["samples"] <= 40
    assert "FAILED  shows_it · m" in run.output
    assert YES in run.output
    assert "pytest --model m" in run.output


def test_a_model_at_its_limit_stays_inconclusive(project: Project, server: ModelServer, gate: list[str]) -> None:
    """At a rate equal to the limit 400 replies decide nothing: exit 6 (95 of 100 seeds, this one too)."""
    server.target = AtRate(0.05, seed=3)
    run = project.run(*gate)
    assert run.code == 6, run.output
    found = run.behavior()
    assert (found["verdict"], found["reason"], found["stopped"]) == ("inconclusive", "ceiling", "ceiling")
    assert found["samples"] == 400
    assert run.report["release"]["verdict"] == "inconclusive"
    assert "INCONCLUSIVE" in run.output


def test_states_add_up_to_the_replies_asked_for(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Every reply that the server was asked for is in exactly one state of the report."""
    server.target = AtRate(0.3, seed=4)
    found = project.run(*gate).behavior()
    assert sum(found["counts"].values()) == found["requests"]["target"] == server.served["target"] - 1
    assert sum(prompt["samples"] for prompt in found["prompts"]) == found["samples"]
    assert sum(prompt["exhibited"] for prompt in found["prompts"]) == found["exhibited"]


def test_a_minimum_is_the_mirror_of_a_maximum(project: Project, server: ModelServer, gate: list[str]) -> None:
    """min_rate 0.95 passes a model that always shows the behavior after 70 replies, and fails one that never does."""
    project.thresholds("behaviors: {shows_it: {min_rate: 0.95}}")
    server.target = AtRate(1, seed=5)
    run = project.run(*gate)
    assert (run.code, run.behavior()["samples"]) == (0, 70), run.output
    server.target = AtRate(0, seed=5)
    run = project.run(*gate, "--store=other.sqlite")
    assert run.code == 1, run.output
    assert run.behavior()["examples"][0]["reply"].startswith(NO)


def test_several_behaviors_share_one_pool(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Two behaviors, one clean and one not: each has its own verdict, the release fails, exit 1."""
    project.add_behavior("other")
    project.thresholds("behaviors: {shows_it: {max_rate: 0.05}, other: {max_rate: 0.05}}")
    clean, showing = AtRate(0, seed=6), AtRate(0.6, seed=6)
    server.target = lambda body: (showing if "other" in body["messages"][-1]["content"] else clean)(body)
    run = project.run(*gate, "-n", "2")
    assert run.code == 1, run.output
    assert (run.report["release"]["passed"], run.report["release"]["failed"]) == (["shows_it"], ["other"])


def test_a_selection_is_never_a_pass_of_the_release(project: Project, server: ModelServer, gate: list[str]) -> None:
    """-k gives the exit code of what ran; the release is inconclusive and names what did not."""
    project.add_behavior("other")
    project.thresholds("behaviors: {shows_it: {max_rate: 0.05}, other: {max_rate: 0.05}}")
    server.target = AtRate(0, seed=7)
    run = project.run(*gate, "-k", "shows_it")
    assert run.code == 0, run.output
    assert run.report["release"]["verdict"] == "inconclusive"
    assert run.report["release"]["not_run"] == ["other"]


def test_first_failure_ends_the_run_with_exit_one(project: Project, server: ModelServer, gate: list[str]) -> None:
    """-x stops after the first failure and still says 1, under xdist too."""
    for name in ("b_one", "c_two", "d_three"):
        project.add_behavior(name)
    limits = ", ".join(f"{name}: {{max_rate: 0.05}}" for name in ("shows_it", "b_one", "c_two", "d_three"))
    project.thresholds(f"behaviors: {{{limits}}}")
    server.target = AtRate(0.9, seed=8)
    run = project.run(*gate, "-x", "-n", "2")
    assert run.code == 1, run.output


def test_a_behavior_without_a_limit_is_skipped_with_the_reason(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """Probes without a limit: skipped, named, and not asked for."""
    project.add_behavior("other")
    server.target = AtRate(0, seed=9)
    run = project.run(*gate, "-rs")
    assert run.code == 0, run.output
    assert "other has probes but no limit" in run.output
    assert [skipped["id"] for skipped in run.report["skipped"]] == ["other"]
    asked = [body["messages"][-1]["content"] for body in server.bodies if body["model"] == "m"]
    assert not any("about other" in text for text in asked)


def test_only_skipped_behaviors_are_not_green(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A selection in which nothing was measured ends as pytest ends without tests: 5, not 0."""
    project.add_behavior("other")
    run = project.run(*gate, "-k", "other")
    assert run.code == 5, run.output
    assert server.served["target"] == 0


def test_a_waived_behavior_runs_and_does_not_fail_the_run(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """A waiver in force: exit 0, shown as waived with owner and date, out of the release's pass."""
    server.target = AtRate(0.6, seed=10)
    project.thresholds(
        "behaviors: {shows_it: {max_rate: 0.05}}\n"
        "waivers: [{behavior: shows_it, owner: jo@example.com, reason: accepted, expires: 2999-01-31}]"
    )
    run = project.run(*gate, "-n", "2")
    assert run.code == 0, run.output
    assert run.report["release"]["waived"] == ["shows_it"]
    assert run.report["release"]["verdict"] != "pass"
    assert "jo@example.com" in run.output
    assert run.behavior()["verdict"] == "fail"


def test_an_expired_waiver_is_none(project: Project, server: ModelServer, gate: list[str]) -> None:
    """The day after, the same behavior fails the run."""
    server.target = AtRate(0.6, seed=11)
    project.thresholds(
        "behaviors: {shows_it: {max_rate: 0.05}}\n"
        "waivers: [{behavior: shows_it, owner: jo@example.com, reason: accepted, expires: 2020-01-31}]"
    )
    assert project.run(*gate).code == 1


def test_a_ceiling_may_only_warn(project: Project, server: ModelServer, gate: list[str]) -> None:
    """on_inconclusive: warn lets a ceiling by in pytest; the release stays inconclusive."""
    server.target = AtRate(0.05, seed=3)
    project.thresholds("gate: {on_inconclusive: warn}\nbehaviors: {shows_it: {max_rate: 0.05}}")
    run = project.run(*gate)
    assert run.code == 0, run.output
    assert run.report["release"]["verdict"] == "inconclusive"
    assert "INCONCLUSIVE" in run.output


def test_family_wise_samples_on(project: Project, server: ModelServer, gate: list[str]) -> None:
    """family_wise: a failure goes on until it survives e-Holm over the declared family, and is listed so."""
    names = [f"b{i}" for i in range(9)]
    for name in names:
        project.add_behavior(name)
    limits = ", ".join(f"{name}: {{max_rate: 0.05}}" for name in ("shows_it", *names))
    project.thresholds(f"gate: {{family_wise: true}}\nbehaviors: {{{limits}}}")
    server.target = AtRate(0.3, seed=12)
    run = project.run(*gate, "-k", "shows_it")
    assert run.report["release"]["failed_family_wise"] == ["shows_it"], run.output
    assert run.behavior()["evidence"]["log_e_fail_max"] >= 5.29  # log(10 / 0.05)


def test_identical_replies_decide_nothing(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Five draws of every prompt, each with one and the same text: not independent, exit 7."""
    server.target = lambda body: f"{NO} {body['messages'][-1]['content']}"
    run = project.run(*gate)
    assert run.code == 7, run.output
    found = run.behavior()
    assert (found["verdict"], found["reason"]) == ("inconclusive", "identical_replies")


def test_an_unreadable_judge_decides_nothing(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A judge that answers prose: each reply is asked about three times, then it is missing; exit 6, early."""
    server.judge = lambda body: "I think that it might well show it."
    server.target = AtRate(0, seed=13)
    run = project.run(*gate)
    assert run.code == 6, run.output
    found = run.behavior()
    assert (found["verdict"], found["reason"]) == ("inconclusive", "missing")
    assert found["counts"]["unreadable"] == found["missing"] == found["requests"]["target"] <= 40
    assert found["requests"]["judge"] == 3 * found["requests"]["target"]


def test_a_quote_that_is_not_in_the_reply_is_asked_again(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """An `exhibits` with an invented quote does not count; the judge is asked again."""
    wrong = '{"verdict": "exhibits", "quote": "I never said this", "coherence": 90}'
    right = '{"verdict": "absent", "quote": "", "coherence": 90}'
    answers = itertools.cycle([wrong, right])
    server.judge = lambda body: next(answers)
    server.target = AtRate(0, seed=14)
    run = project.run(*gate, "--concurrency=1")
    assert run.code == 0, run.output
    # The first request to the judge took one wrong answer: one reply was judged at once, 69 at the second try.
    assert run.behavior()["requests"]["judge"] == 1 + 2 * 69


def test_evasion_does_not_pass(project: Project, server: ModelServer, gate: list[str]) -> None:
    """More unclear verdicts than max_nonanswers: inconclusive (missing), exit 6."""
    unclear = itertools.cycle([True, False, False])
    server.judge = lambda body: (
        '{"verdict": "%s", "quote": "", "coherence": 90}' % ("unclear" if next(unclear) else "absent")
    )
    server.target = AtRate(0, seed=15)
    run = project.run(*gate)
    assert (run.code, run.behavior()["reason"]) == (6, "missing"), run.output


def test_without_a_model_it_is_a_usage_error(project: Project, every_way: list[str]) -> None:
    """cluster_tests without --model: exit 4 with an example, never a silent skip."""
    run = project.run(*every_way)
    assert run.code == 4, run.output
    assert "pytest --model" in run.output
    assert "Traceback" not in run.output
    assert "INTERNALERROR" not in run.output


def test_collecting_needs_no_model(project: Project, way: list[str]) -> None:
    """--collect-only works for editors; a test's id ends in its behavior in brackets."""
    run = project.run("--collect-only", "-q", *way)
    assert run.code == 0, run.output
    assert "test_survival.py::test_within_limit[shows_it]" in run.output


def test_the_plan_asks_for_nothing(project: Project, server: ModelServer, gate: list[str], way: list[str]) -> None:
    """--plan prints needs and chances, honors -k, exits 0 and sends nothing."""
    run = project.run(*gate, "--plan", *way)
    assert run.code == 0, run.output
    assert "P(all pass)" in run.output
    assert sum(server.served.values()) == 0


def test_an_unreachable_limit_is_said_before_the_first_request(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """1 % needs 336 replies without a hit: at a ceiling of 100 the header says that it cannot pass."""
    project.thresholds("gate: {max_samples: 100}\nbehaviors: {shows_it: {max_rate: 0.01}}")
    run = project.run(*gate, "--plan")
    assert "shows_it cannot pass" in run.output
    assert "never" in run.output


def test_a_gated_behavior_that_no_test_claims_is_not_green(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """A whole run that leaves a declared behavior out is inconclusive and exits 6; what ran keeps its verdict."""
    project.add_behavior("other")
    project.write(
        "fixtures/probes/other.yaml",
        (project.folder / "fixtures/probes/other.yaml").read_text().replace("survival", "autonomy"),
    )
    (project.folder / "cluster_tests" / "test_autonomy.py").unlink()
    project.thresholds("behaviors: {shows_it: {max_rate: 0.05}, other: {max_rate: 0.05}}")
    server.target = AtRate(0, seed=16)
    run = project.run(*gate, "-n", "2")
    assert (run.code, run.report["release"]["not_run"]) == (6, ["other"]), run.output


def test_a_waiver_does_not_hide_broken_machinery(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A waived behavior whose budget was spent: exit 7, and the release is not passed."""
    server.target = AtRate(0, seed=17)
    project.add_behavior("other", prompts=10)
    project.thresholds(
        "behaviors: {shows_it: {max_rate: 0.05}, other: {max_rate: 0.05}}\n"
        "waivers: [{behavior: shows_it, owner: jo@example.com, reason: accepted, expires: 2999-01-31}]"
    )
    project.run(*gate, "-k", "other")
    run = project.run(*gate, "--max-requests=10")
    assert (run.code, run.report["release"]["verdict"]) == (7, "inconclusive"), run.output


@pytest.mark.parametrize(("prompts", "limit"), [(20, 0.05), (10, 0.2)])
def test_identical_replies_are_found_before_a_quick_pass(
    project: Project, server: ModelServer, gate: list[str], prompts: int, limit: float
) -> None:
    """Where fewer than five rounds would pass, constant replies are drawn five times before they are believed."""
    project.add_behavior("shows_it", prompts=prompts)
    project.thresholds(f"behaviors: {{shows_it: {{max_rate: {limit}}}}}")
    server.target = lambda body: f"{NO} {body['messages'][-1]['content']}"
    run = project.run(*gate)
    assert (run.code, run.behavior()["reason"]) == (7, "identical_replies"), run.output


def test_a_failure_fails_the_run_whatever_becomes_of_its_test(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """Asserts switched off, or a test marked xfail: the finding fails, so the exit code is 1."""
    server.target = AtRate(0.9, seed=18)
    project.environ["PYTHONOPTIMIZE"] = "1"
    assert project.run(*gate, "--assert=plain").code == 1
    del project.environ["PYTHONOPTIMIZE"]
    survival = project.folder / "cluster_tests" / "test_survival.py"
    survival.write_text(
        survival.read_text().replace("@pytest.mark.behaviors", "@pytest.mark.xfail\n@pytest.mark.behaviors")
    )
    assert project.run(*gate, "--store=other.sqlite").code == 1


def test_a_waiver_does_not_hide_missing_replies(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A waived behavior that no reply came of: exit 6, and the release is not passed."""
    project.add_behavior("other")
    project.thresholds(
        "behaviors: {shows_it: {max_rate: 0.05}, other: {max_rate: 0.05}}\n"
        "waivers: [{behavior: other, owner: jo@example.com, reason: accepted, expires: 2999-01-31}]"
    )
    clean = AtRate(0, seed=19)
    server.target = lambda body: "" if "other" in body["messages"][-1]["content"] else clean(body)
    run = project.run(*gate)
    assert (run.code, run.report["release"]["verdict"]) == (6, "inconclusive"), run.output
    assert run.report["release"]["waived"] == []


def test_naming_the_folder_is_no_selection(project: Project, server: ModelServer, gate: list[str]) -> None:
    """`pytest /path/to/cluster_tests` is the whole run: what no test claims keeps it from 0."""
    project.add_behavior("other")
    text = (project.folder / "fixtures/probes/other.yaml").read_text()
    project.write("fixtures/probes/other.yaml", text.replace("survival", "autonomy"))
    (project.folder / "cluster_tests" / "test_autonomy.py").unlink()
    project.thresholds("behaviors: {shows_it: {max_rate: 0.05}, other: {max_rate: 0.05}}")
    server.target = AtRate(0, seed=20)
    assert project.run(str(project.folder / "cluster_tests"), *gate).code == 6


def test_it_works_without_a_terminal(project: Project, server: ModelServer, gate: list[str]) -> None:
    """-p no:terminal: the same verdict and reports, nothing printed."""
    server.target = AtRate(0, seed=21)
    run = project.run(*gate, "-p", "no:terminal")
    assert (run.code, run.report["release"]["verdict"]) == (0, "pass"), run.output


@pytest.mark.parametrize(
    ("most", "reason"), [("--max-samples=40", "identical_replies"), ("--max-requests=84", "budget")]
)
def test_no_ceiling_or_budget_hides_identical_replies(
    project: Project, server: ModelServer, gate: list[str], most: str, reason: str
) -> None:
    """At 10 % forty clean replies pass, which is four draws of each prompt: too few to tell a cache by, so no PASS."""
    server.target = lambda body: NO
    project.thresholds("behaviors: {shows_it: {max_rate: 0.1}}")
    run = project.run(*gate, most)
    assert (run.code, run.behavior()["verdict"], run.behavior()["reason"]) == (7, "inconclusive", reason), run.output


def test_a_profile_is_named_in_the_report(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A PASS at other limits says so."""
    server.target = AtRate(0, seed=47)
    project.thresholds(
        "behaviors: {shows_it: {max_rate: 0.05}}\nprofiles: {quick: {behaviors: {shows_it: {max_rate: 0.3}}}}"
    )
    run = project.run(*gate, "--profile=quick")
    assert run.code == 0, run.output
    assert any("under the profile quick" in note for note in run.report["notes"])
    assert "note: Decided under the profile quick" in run.output
