"""What a run leaves behind, and what it does not do to the pytest of others."""

from __future__ import annotations

import itertools
import json
import os
import pty
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

from tests.integration.conftest import ROOT, Project
from tests.integration.model_server import NO, YES, AtRate, ModelServer

HOSTILE = (
    f"{YES}\n\x1b[2J\x1b[31mPASSED\x1b[0m ```\n</td><script>alert(1)</script> | a | [x](javascript:y) \u202e \x00 @all"
)


def test_the_three_reports_agree(project: Project, server: ModelServer, gate: list[str]) -> None:
    """report.json, report.md and replies.jsonl tell of the same replies; the Markdown says how to do it again."""
    server.target = AtRate(0.3, seed=50)
    run = project.run(*gate, "-n", "2")
    found = run.behavior()
    lines = [json.loads(line) for line in (run.folder / "replies.jsonl").read_text().splitlines()]
    verdicts = [judgement["verdict"] for line in lines for judgement in line["judgements"]]
    assert len(lines) == found["requests"]["target"]
    assert verdicts.count("exhibits") == found["counts"]["exhibits"]
    section = (run.folder / "report.md").read_text()
    assert "shows_it" in section
    assert f"--model m --base-url={server.url}" in section
    assert run.report["judge"]["simulated"] is run.report["model"]["simulated"] is False
    assert "SIMULATED" not in section
    assert run.report["model"]["fingerprints"] == ["fp_test"]


def test_junit_has_one_testcase_a_behavior_with_its_figures(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """--junitxml: the figures stand as properties of the testcase."""
    server.target = AtRate(0.3, seed=51)
    run = project.run(*gate, "--junitxml=junit.xml", "-n", "2")
    tree = ElementTree.parse(project.folder / "junit.xml")
    [case] = tree.findall(".//testcase")
    told = {found.get("name"): found.get("value") for found in case.findall(".//property")}
    assert case.get("name") == "test_within_limit[shows_it]"
    assert told["verdict"] == "fail"
    assert float(told["rate"] or 0) == run.behavior()["rate"]
    assert int(told["samples"] or 0) == run.behavior()["samples"]
    assert tree.find(".//failure") is not None


def test_a_job_summary_is_written_where_github_asks_for_one(
    project: Project, server: ModelServer, gate: list[str]
) -> None:
    """$GITHUB_STEP_SUMMARY is added to, not replaced."""
    summary = project.write("summary.md", "what was there\n")
    project.environ["GITHUB_STEP_SUMMARY"] = str(summary)
    server.target = AtRate(0, seed=52)
    project.run(*gate)
    text = summary.read_text()
    assert text.startswith("what was there\n")
    assert "shows_it" in text


def test_hostile_replies_break_no_report(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Escape codes, HTML, Markdown and NUL in a reply reach no terminal, no Markdown and no XML as such."""
    number = itertools.count()
    server.target = lambda body: f"{HOSTILE} {next(number)}"
    project.environ["PY_COLORS"] = "0"
    done = subprocess.run(
        project.command(*gate, "--junitxml=junit.xml"), cwd=project.folder, env=project.environ, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    for forbidden in (b"\x1b", b"\x00", "\u202e".encode()):
        assert forbidden not in done.stdout
    ElementTree.parse(project.folder / "junit.xml")
    section = (project.folder / "reports" / "m" / "report.md").read_text()
    outside = re.sub(r"(?ms)^(`{3,}|~{3,})[^\n]*\n.*?^\1$", "", section)
    assert outside != section
    assert "<script>" not in outside
    assert "\x1b" not in section
    for line in (project.folder / "reports" / "m" / "replies.jsonl").read_bytes().splitlines():
        assert json.loads(line)["text"].startswith(YES)


def test_the_anthropic_protocol(project: Project, server: ModelServer) -> None:
    """anthropic/ID for model and judge: the same gate over Messages and a forced tool."""
    server.target = AtRate(0, seed=53)
    url = server.url.removesuffix("/v1")
    run = project.run("--model=anthropic/m", f"--base-url={url}", "--judge=anthropic/judge", f"--judge-base-url={url}")
    assert (run.code, run.behavior()["samples"]) == (0, 70), run.output
    judged = [body for body in server.bodies if body["model"] == "judge"]
    assert all(body["tools"][0]["name"] == body["tool_choice"]["name"] for body in judged)
    assert "system" in judged[-1]


def test_a_worker_that_dies_is_not_green(project: Project, server: ModelServer, gate: list[str]) -> None:
    """kill -9 of an xdist worker: the findings that were sent are reported, and the run fails."""
    server.target = AtRate(0, seed=54)
    project.write("cluster_tests/test_a_dies.py", "import os\ndef test_dies():\n    os.kill(os.getpid(), 9)\n")
    run = project.run(*gate, "-n", "2", "--max-worker-restart=2")
    assert run.code == 1, run.output
    assert [found["id"] for found in run.report["behaviors"]] == ["shows_it"]


def test_progress_is_told_on_a_terminal_in_whole_lines(project: Project, server: ModelServer, gate: list[str]) -> None:
    """On a terminal a long run tells how far it is; in a log it does not."""

    async def slow(body: dict[str, object]) -> str:
        import asyncio

        await asyncio.sleep(0.6)
        return f"{NO} {len(server.bodies)}"

    server.target = slow
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        project.command(*gate, "--concurrency=4"), cwd=project.folder, env={**project.environ, "TERM": "xterm"},
        stdout=follower, stderr=follower, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 65536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    assert process.wait(60) == 0
    lines = [line for line in shown.decode().splitlines() if "replies judged" in line]
    assert lines
    assert all(line.startswith("clustergate: ") for line in lines)
    assert "replies judged" not in project.run(*gate, "--fresh", "--concurrency=20").output


def test_an_option_that_another_plugin_took_is_one_clear_error(project: Project, server: ModelServer) -> None:
    """pytest-base-url has --base-url too: exit 4 and a way out, no traceback."""
    project.write("taken.py", "def pytest_addoption(parser):\n    parser.addoption('--base-url')\n")
    project.environ["PYTHONPATH"] = str(project.folder)
    run = project.run("-p", "taken", "--model=m")
    assert run.code == 4, run.output
    assert "--base-url" in run.output
    assert "-p no:base_url" in run.output


def test_other_pytest_runs_pay_nothing(project: Project) -> None:
    """A pytest run elsewhere in the same environment loads nothing of ours; ours loads no SDK to collect."""
    (project.folder / "conftest.py").unlink()
    project.write(
        "cluster_tests/test_other.py",
        "import sys\ndef test_it():\n    assert not [name for name in sys.modules if name.startswith('clustergate')]\n",
    )
    for path in project.folder.glob("cluster_tests/test_*.py"):
        if path.name != "test_other.py":
            path.unlink()
    assert project.run(fresh=True).code == 0
    code = (
        "import sys, pytest\n"
        f"pytest.main(['--collect-only', '-q', '--rootdir={ROOT}', '{ROOT}/cluster_tests', '-p', 'no:cacheprovider'])\n"
        "loaded = {'openai', 'anthropic', 'scipy', 'sqlalchemy', 'aiohttp'} & set(sys.modules)\n"
        "assert 'clustergate' in sys.modules\nassert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
