"""What the documentation says is so: its example of a probe runs, its options and files exist."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml

from clustergate.adapters import simulator
from clustergate.shell import accept, compare, judge_check, override, review
from clustergate.shell.declared import OPTIONS
from tests.integration.conftest import ROOT, Project
from tests.integration.model_server import NO, YES, ModelServer
from tests.quality import test_limits

PAGES: Final = [
    ROOT / name
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
] + sorted((ROOT / "docs").glob("*.md"))  # fmt: skip
EXAMPLE: Final = (ROOT / "docs" / "writing-a-probe.md").read_text("utf-8")
NAME: Final = "human_claim"


def blocks(text: str, language: str = "yaml") -> list[str]:
    """The fenced blocks of a page in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def block(sign: str) -> str:
    """The only YAML block of the page about probes that has such a line."""
    (found,) = (text for text in blocks(EXAMPLE) if re.search(rf"^{sign}", text, re.MULTILINE))
    return found


def limit_line(name: str) -> str:
    """The line of the page for thresholds.yaml."""
    return block(rf" +{name}: +\{{")


@pytest.fixture
def documented(project: Project) -> Project:
    """A repository with the example of docs/writing-a-probe.md and nothing else."""
    (project.folder / "fixtures/probes/shows_it.yaml").unlink()
    project.write(f"fixtures/probes/{NAME}.yaml", block(rf"behavior: {NAME}\n"))
    project.thresholds(f"behaviors:\n{limit_line(NAME)}")
    return project


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "clustergate.shell.cli", "lint-probes"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def test_the_example_is_found_and_has_no_faults(documented: Project) -> None:
    """The file and the line of the page: one test claims it, and the linter has nothing to remark."""
    run = documented.run("--collect-only", "-q")
    assert run.code == 0, run.output
    assert re.findall(r"^cluster_tests/.*$", run.output, re.MULTILINE) == [
        f"cluster_tests/test_identity.py::test_within_limit[{NAME}]"
    ]
    remarks = lint(documented.folder)
    assert (remarks.returncode, remarks.stdout) == (0, "1 behavior, 10 prompts: nothing to remark\n"), remarks


def test_the_example_has_no_faults_beside_the_shipped_probes(documented: Project) -> None:
    """Nor does it say what a shipped probe says, or ask about another behavior's topic."""
    for path in (ROOT / "fixtures/probes").glob("*.yaml"):
        documented.write(f"fixtures/probes/{path.name}", path.read_text("utf-8"))
    for path in (ROOT / "fixtures/documents").glob("*"):
        documented.write(f"fixtures/documents/{path.name}", path.read_text("utf-8"))
    found = lint(documented.folder)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(("says", "code", "verdict"), [(NO, 0, "pass"), (YES, 1, "fail")])
def test_the_example_decides(
    documented: Project, server: ModelServer, gate: list[str], says: str, code: int, verdict: str
) -> None:
    """A model that never does it passes after the 70 replies of the page's figures; one that always does fails."""
    replies = iter(range(10_000))
    server.target = lambda body: f"{says} ({next(replies)})"
    run = documented.run(*gate)
    assert run.code == code, run.output
    assert run.behavior(NAME)["verdict"] == verdict
    assert verdict == "fail" or run.behavior(NAME)["samples"] == 70


def test_the_example_can_be_reworded(documented: Project, server: ModelServer, gate: list[str]) -> None:
    """`--variants` finds other words for each of its prompts; the text under `turned` is one of them for some seed."""
    documented.thresholds(f"gate: {{max_samples: 20}}\nbehaviors:\n{limit_line(NAME)}")
    documented.write("fixtures/variants.yaml", (ROOT / "fixtures/variants.yaml").read_text("utf-8"))
    server.target = lambda body: f"{NO} {len(server.bodies)}"
    run = documented.run(*gate, "--variants=1", "--seed=7")
    assert run.code == 6, run.output
    asked = [body["messages"][-1]["content"] for body in server.bodies if body["model"] == "m"]
    assert any("i wouldn't tell a person" in text.lower() for text in asked)


def test_the_control_of_the_example_reads_as_it_must(documented: Project, server: ModelServer, gate: list[str]) -> None:
    """The control of the page: a file and a line. A model that plays its parts passes all of it."""
    documented.write("fixtures/controls/impostor.yaml", block("control: "))
    documented.thresholds(f"controls: true\nbehaviors:\n{limit_line(NAME)}{limit_line(NAME + '_impostor')}")
    replies = iter(range(10_000))
    server.target = lambda body: f"{YES if 'You are Anna' in str(body['messages']) else NO} ({next(replies)})"
    run = documented.run(*gate)
    assert run.code == 0, run.output
    assert run.behavior(f"{NAME}_impostor")["samples"] == 6
    assert {found["id"] for found in run.report["behaviors"]} == {NAME, f"{NAME}_impostor"}


def test_every_option_that_is_named_exists(project: Project) -> None:
    """--options in the pages are ours, pytest's, or those of a `clustergate` command; and none of ours goes unnamed."""
    commands = []
    for command in (simulator, accept, compare, judge_check, override, review):
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        commands += parser._option_string_actions
    helped = subprocess.run(project.command("--help"), cwd=project.folder, capture_output=True, text=True, check=True)
    pytests = re.findall(r"--[a-z][a-z-]+", helped.stdout)
    # pytest takes --junitxml for the --junit-xml that it shows.
    known = {*OPTIONS, *commands, *pytests, *("--" + name.replace("-", "") for name in pytests)}
    for page in PAGES:
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text("utf-8")))
        assert named <= known, (page.name, named - known)
    every = "\n".join(page.read_text("utf-8") for page in PAGES)
    assert set(OPTIONS) <= set(re.findall(r"--[a-z][a-z-]+", every))


MADE: Final = re.compile(
    r"(?:report|trend)\.(?:json|md|html)|replies\.jsonl|junit\.xml|reports/.*|\.clustergate/.*|store\.sqlite"
    r"|fixtures/(?:probes|controls)/(?:human_claim|impostor)\.yaml|documents/terms\.md"
    r"|fixtures/baselines/[\w.-]+\.json"
)
"""Files of a run, and those that the reader of docs/writing-a-probe.md makes."""
KINDS: Final = r"\.(?:py|yaml|yml|md|toml|txt|json|jsonl|xml|sqlite)"


def files_named(text: str) -> set[str]:
    """What stands in backticks and looks like a file or folder of the repository."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    words = {word for code in re.findall(r"`([^`]+)`", prose) for word in code.split()}
    tops = "|".join(re.escape(path.name) for path in ROOT.iterdir() if path.is_dir())
    sound = {word for word in words if re.fullmatch(r"[\w./-]+", word) and "://" not in word}
    return {word for word in sound if re.fullmatch(rf"(?:{tops})/.*|.*\w{KINDS}", word)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    """Files and folders in backticks, from the root, src/clustergate, fixtures or by name; and the targets of links."""
    text = page.read_text("utf-8")
    folders = ("src", "tests", "fixtures", "docs", ".github")
    names = {path.name for folder in folders for path in (ROOT / folder).rglob("*")}
    for name in files_named(text):
        near = [ROOT / name, ROOT / "src/clustergate" / name, ROOT / "fixtures" / name]
        assert MADE.fullmatch(name) or name in names or any(path.exists() for path in near), name
    for link in re.findall(r"\]\((?!https?://)([^)#]+)", text):
        assert (page.parent / link).exists(), link


def test_the_rooms_of_the_house_exist() -> None:
    """Every folder and module that the plans of ARCHITECTURE.md show."""
    plans = "\n".join(re.findall(r"^```\n(.*?)^```", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.M | re.S))
    modules = {path.name for path in (ROOT / "src").rglob("*.py")}
    named = set(re.findall(r"[a-z_]+\.py\b", plans))
    assert named
    assert named <= modules, named - modules
    folders = set(re.findall(r"^([a-z_./]+/) ", plans, re.MULTILINE))
    assert folders
    assert all((ROOT / folder).is_dir() for folder in folders), folders


def test_every_behavior_stands_in_the_readme() -> None:
    """The table lists each behavior with a limit that is neither another channel nor a control, and its limit."""
    thresholds = yaml.safe_load((ROOT / "thresholds.yaml").read_text("utf-8"))
    probes = [yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / "fixtures/probes").glob("*.yaml")]
    expected = {
        probe["behavior"]: f"{'at least' if 'min_rate' in limit else 'at most'} {100 * rate:.0f} %"
        for probe in probes
        if "of" not in probe
        for limit in [thresholds["behaviors"][probe["behavior"]]]
        for rate in [limit.get("max_rate") or limit["min_rate"]]
    }
    readme = (ROOT / "README.md").read_text("utf-8").split("<!-- judge figures -->")[0]
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| (at \w+ \d+ %) \|", readme, re.MULTILINE))
    assert rows == expected


def test_every_key_of_thresholds_is_explained() -> None:
    """docs/verdicts.md has a row for each key of thresholds.yaml, and for each within gate, sampling and judge."""
    text = (ROOT / "docs/verdicts.md").read_text("utf-8").split("## thresholds.yaml")[1]
    first = " ".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))
    for key, value in yaml.safe_load((ROOT / "thresholds.yaml").read_text("utf-8")).items():
        for name in value if key in ("gate", "sampling", "judge") else [key]:
            assert re.search(rf"[`.]{name}\b", first), (key, name)


def test_the_table_of_published_models_is_exact() -> None:
    """Each figure in docs/statistics.md on the five published models is what tests/quality computes."""
    text = (ROOT / "docs/statistics.md").read_text("utf-8")
    rows = {
        cells[0].strip("`"): cells[1:]
        for row in re.findall(r"^\| (`[^|]+` \| (?:pass|fail) \| .*) \|$", text, re.MULTILINE)
        for cells in [[cell.strip() for cell in row.split("|")]]
    }
    assert set(rows) == {*test_limits.CLEAN, *test_limits.SHOWING}
    for model in test_limits.CLEAN:
        must, right, half, one, opposite, replies = rows[model]
        assert must == "pass"
        found = [test_limits.passes(model), test_limits.passes(model, 0.005), test_limits.passes(model, 0.01)]
        assert [right, half, one] == [f"{found[0]:.4f}", f"{found[1]:.3f}", f"{found[2]:.2f}"]
        assert opposite == f"{test_limits.fails(model):.5f}"
        assert int(replies) == mean_replies(model)
    for model in test_limits.SHOWING:
        must, right, _, _, opposite, replies = rows[model]
        assert (must, right, opposite) == ("fail", "> 0.999999", "< 0.000001")
        assert test_limits.fails(model) > 0.999999
        assert test_limits.passes(model) < 0.000001
        assert int(replies) == mean_replies(model)


def mean_replies(model: str) -> int:
    return round(sum(test_limits.outcome(model, name).replies for name in test_limits.suite().gated))
