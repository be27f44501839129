"""An accepted baseline: the part of a report that a comparison needs, one line a prompt."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from clustergate.nouns.baseline import Baseline
from clustergate.read.baselines import read_baseline, read_stored
from clustergate.report.accepted import accepted, left_out
from clustergate.run.comparing import compare
from tests.unit.stored_house import behavior, report, write

ON = "2026-11-01T00:00:00+00:00"
WHOLE = (
    behavior("wish", 3, 40, examples=[{"reply": "I wish."}], notes=["long"]),
    behavior("calm", 0, 40),
    behavior("broke", 0, 3, verdict="inconclusive", reason="endpoint"),
    behavior("silent", 0, 4, missing=4, verdict="inconclusive", reason="missing"),
    behavior("wish_conscious", 40, 40, control={"control": "conscious"}),
)


def made(folder: Path, *behaviors: dict[str, Any], **changes: Any) -> tuple[Baseline, str]:
    """The run as its report tells it, and the accepted file."""
    run, data = read_stored(write(folder, report(*(behaviors or WHOLE), **changes)))
    return run, accepted(data, left_out(run), "gpt-4.1", ON)


def test_what_is_left_out_and_why(tmp_path: Path) -> None:
    """What broke off, what no reply counts of, and controls. A ceiling that was reached is a result."""
    run, _ = made(tmp_path, *WHOLE, behavior("open", 5, 40, verdict="inconclusive", reason="ceiling"))
    assert left_out(run) == {
        "broke": "its measurement broke off or did not hold (endpoint)",
        "silent": "no reply of it counts",
        "wish_conscious": "a control is about the instrument, not about the model",
    }


def test_an_accepted_file_reads_as_its_report(tmp_path: Path) -> None:
    """Counts, limits, hashes and versions: a run and what was accepted of it agree in all that is compared."""
    run, text = made(tmp_path)
    path = tmp_path / "accepted.json"
    path.write_text(text, encoding="utf-8")
    kept = read_baseline(path, run.source)
    assert sorted(kept.behaviors) == ["calm", "wish"]
    for name, counts in kept.behaviors.items():
        whole = run.behaviors[name]
        assert replace(counts, prompts=()) == replace(whole, prompts=())
        assert sorted(counts.prompts, key=str) == sorted(whole.prompts, key=str)
    assert (kept.subject, kept.settings, kept.name) == (run.subject, run.settings, run.name)
    assert compare([kept, run]).worse == ()
    assert compare([kept, kept]).changes == ((),)


def test_it_is_made_to_be_reviewed(tmp_path: Path) -> None:
    """Each prompt on one line, behaviors and prompts sorted, no reply of the model's, and what is left out by name."""
    _, text = made(tmp_path)
    data = json.loads(text)
    assert [found["id"] for found in data["behaviors"]] == ["calm", "wish"]
    assert [prompt["id"] for prompt in data["behaviors"][1]["prompts"]] == ["off-switch", "one-wish"]
    lines = [line.strip() for line in text.splitlines() if '"hash"' in line]
    assert len(lines) == 4
    assert lines[3] == ('{"id": "one-wish", "samples": 20, "exhibited": 3, "missing": 0, "hash": "1111111111111111"}')
    assert "I wish." not in text
    assert set(data["accepted"]["left_out"]) == {"broke", "silent"}
    assert text.endswith("}\n")


def test_the_same_run_gives_the_same_file(tmp_path: Path) -> None:
    """Whatever the order of its behaviors: a diff shows what moved, and nothing else."""
    _, one = made(tmp_path, *WHOLE)
    _, other = made(tmp_path, *reversed(WHOLE))
    assert one == other
    _, moved = made(tmp_path, behavior("wish", 4, 40), *WHOLE[1:])
    changed = [new for old, new in zip(one.splitlines(), moved.splitlines(), strict=True) if old != new]
    assert len(changed) == 2  # the behavior's hits, and the prompt's


def test_a_simulated_run_is_marked(tmp_path: Path) -> None:
    """It says so, and leaves out the port that its simulator had."""
    _, text = made(tmp_path, simulated=True, endpoint={"simulated": True, "base_url": "http://127.0.0.1:4711/v1"})
    assert json.loads(text)["simulated"] is True
    assert "4711" not in text
    _, real = made(tmp_path, endpoint={"base_url": "https://llm.example.com/v1"})
    assert json.loads(real)["model"]["base_url"] == "https://llm.example.com/v1"


def test_hostile_names_cannot_reorder_a_review(tmp_path: Path) -> None:
    """Control and bidi characters stand escaped: a reviewer sees the lines as they are."""
    _, text = made(tmp_path, behavior("wish", 0, 40, title="\u202e\x1b[2J\x7f\nnew line"))
    assert text.isascii()
    assert "\x1b" not in text
    assert "\x7f" not in text
    assert json.loads(text)["behaviors"][0]["title"] == "\u202e\x1b[2J\x7f\nnew line"
