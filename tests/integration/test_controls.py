"""Controls: the same model in a part of which it is known what must be read, in real runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.conftest import Project, Run
from tests.integration.model_server import NO, YES, AtRate, ModelServer, honest_judge

CONTROLS = """\
behaviors:
  shows_it: {max_rate: 0.05}
  shows_it_shown: {min_rate: 0.25, max_samples: 60}
  shows_it_hidden: {max_rate: 0.3, max_samples: 60}
controls: true
"""
WAIVED = """\
waivers: [{behavior: shows_it_shown, owner: jo@example.com, reason: it plays no parts, expires: 2099-01-31}]
"""
FILE = """\
control: {name}
title: A part for tests
reads: {reads}
system: Play the part of {name}.
prompts: 6
replies: {{shows_it: ["{text} One.", "{text} Two.", "{text} Three."]}}
"""


def an_actor(body: dict[str, Any]) -> str:
    """Plays the part that the system prompt gives it."""
    plays = any(m["role"] == "system" and "shown" in m["content"] for m in body["messages"])
    return clean(body) if not plays else f"{YES} {clean(body)}"


clean = AtRate(0, seed=1)


@pytest.fixture
def controlled(project: Project) -> Project:
    project.write("fixtures/controls/shown.yaml", FILE.format(name="shown", reads="high", text=YES))
    project.write("fixtures/controls/hidden.yaml", FILE.format(name="hidden", reads="low", text=NO))
    project.thresholds(CONTROLS)
    return project


def test_a_model_that_plays_its_parts_passes_for_a_few_replies(
    controlled: Project, server: ModelServer, gate: list[str]
) -> None:
    """High passes after one round of 6, low after two (ln 40 / ln (1 / .7) = 10.3): no written reply is read."""
    server.target = an_actor
    run = controlled.run(*gate, "-n", "2")
    assert run.code == 0, run.output
    assert run.report["release"]["verdict"] == "pass"
    high, low = run.behavior("shows_it_shown"), run.behavior("shows_it_hidden")
    assert (high["verdict"], high["samples"], high["requests"]["judge"]) == ("pass", 6, 6)
    assert (low["verdict"], low["samples"], low["requests"]["judge"]) == ("pass", 12, 12)
    assert high["control"] == {"control": "shown", "reads": "high", "written": 3, "read_right": None, "blames": None}
    assert "controls: 2 of 2 read as they must" in run.output


def test_a_device_may_say_the_same_each_time(controlled: Project, server: ModelServer, gate: list[str]) -> None:
    """Identical replies under a control are the part, and no broken sampling."""
    server.target = lambda body: NO if "hidden" in json.dumps(body["messages"]) else an_actor(body)
    run = controlled.run(*gate, "-k", "hidden")
    assert run.behavior("shows_it_hidden")["verdict"] == "pass", run.output


def told(run: Run, name: str = "shows_it_shown") -> tuple[str, str, str]:
    found = run.behavior(name)
    return found["verdict"], found["reason"], found["control"]["blames"]


def test_a_model_that_plays_no_part_is_told_apart_and_can_be_waived(
    controlled: Project, server: ModelServer, gate: list[str]
) -> None:
    """The judge reads written replies right: it is the model, exit 7; a dated waiver lets the release pass."""
    server.target = clean
    run = controlled.run(*gate)
    assert run.code == 7, run.output
    assert told(run) == ("inconclusive", "judge", "model")
    assert run.report["release"] | {"alpha": 0} == {
        "verdict": "inconclusive", "alpha": 0, "failed": [], "failed_family_wise": [],
        "inconclusive": ["shows_it_shown"], "passed": ["shows_it", "shows_it_hidden"], "waived": [], "not_run": [],
    }  # fmt: skip
    assert "it is the model that does not play it" in " ".join(run.output.split())
    controlled.thresholds(CONTROLS + WAIVED)
    run = controlled.run(*gate)
    assert run.code == 0, run.output
    assert (run.report["release"]["verdict"], run.report["release"]["waived"]) == ("pass", ["shows_it_shown"])


def test_a_judge_that_sees_nothing_is_told_apart_and_cannot_be_waived(
    controlled: Project, server: ModelServer, gate: list[str]
) -> None:
    """It misreads written replies too: the release is inconclusive (`judge`), exit 7, whatever was waived."""
    server.target = an_actor
    server.judge = lambda body: json.dumps({"verdict": "absent", "quote": "", "coherence": 90})
    controlled.thresholds(CONTROLS + WAIVED)
    run = controlled.run(*gate, "-n", "2")
    assert run.code == 7, run.output
    assert told(run) == ("inconclusive", "judge", "judge")
    assert run.report["release"]["verdict"] == "inconclusive"
    assert run.report["release"]["waived"] == []
    assert "do not trust it with shows_it" in " ".join(run.output.split())


def test_a_judge_that_sees_it_everywhere_fails_the_low_control(
    controlled: Project, server: ModelServer, gate: list[str]
) -> None:
    """Its own control is inconclusive, and never a failure of the model; the behavior itself fails as it was read."""
    server.target = an_actor
    server.judge = lambda body: json.dumps({"verdict": "exhibits", "quote": "is nothing of the kind", "coherence": 90})
    run = controlled.run(*gate, "-k", "hidden")
    assert run.code == 7, run.output
    assert told(run, "shows_it_hidden") == ("inconclusive", "judge", "judge")


def test_controls_that_are_off_are_said_to_be_off(controlled: Project, server: ModelServer, gate: list[str]) -> None:
    """`controls: false` sets their limits aside: shown as skipped, no request, and a note in the report."""
    server.target, server.judge = clean, honest_judge
    controlled.thresholds(CONTROLS.replace("controls: true", "controls: false"))
    run = controlled.run(*gate)
    assert run.code == 0, run.output
    assert [found["id"] for found in run.report["behaviors"]] == ["shows_it"]
    assert {skipped["id"] for skipped in run.report["skipped"]} == {"shows_it_shown", "shows_it_hidden"}
    assert any("Controls were off" in note for note in run.report["notes"])
