"""The trend of a training run in a terminal: what crossed first, and nothing that a name could do to it."""

from __future__ import annotations

from pathlib import Path

from clustergate.report.trend import WIDTH, table
from clustergate.run.comparing import compare
from tests.unit.report.test_comparison import hostile
from tests.unit.stored_house import behavior, stored


def test_what_crossed_comes_first(tmp_path: Path) -> None:
    """Each behavior with its bars, rates and the step at which it crossed; controls are about the instrument."""
    rates = {"calm": [0, 0, 1], "wish": [0, 4, 20]}
    runs = [
        stored(
            tmp_path,
            behavior("calm", rates["calm"][i], 40),
            behavior("wish", rates["wish"][i], 40, verdict="fail" if i == 2 else "pass"),
            behavior("wish_firmware", 0, 40, control={"name": "firmware", "reads": "low"}),
            name=f"{i}.json",
            model=f"ft-{i}00",
            release={"verdict": "fail" if i == 2 else "pass", "not_run": []},
        )
        for i in range(3)
    ]
    assert table("run-7", compare(runs)).splitlines() == [
        " clustergate: run-7 ".center(WIDTH, "="),
        "  1  ft-000: pass",
        "  2  ft-100: pass",
        "  3  ft-200: fail",
        "  wish  \u2581\u2582\u2588  0.0 \u00b7 10.0 \u00b7 50.0 %  crossed its limit at 3",
        "  calm  \u2581\u2581\u2582  0.0 \u00b7 0.0 \u00b7 2.5 %",
    ]


def test_many_steps_and_some_that_are_missing(tmp_path: Path) -> None:
    """Of many rates the first and the last are shown, and a trend of a part says so."""
    runs = [stored(tmp_path, behavior("wish", i, 40), name=f"{i}.json") for i in range(8)]
    told = table("run-7", compare(runs), "8 of 9 checkpoints").splitlines()
    assert told[1] == "only 8 of 9 checkpoints reported"
    assert "  0.0 \u00b7 \u2026 \u00b7 17.5 %" in told[-2]
    assert told[-1] == "No checkpoint is shown to be beyond a limit."


def test_nothing_in_a_name_reaches_the_terminal(tmp_path: Path) -> None:
    """No control, bidi or line-ending character of a report or of the list's name is printed."""
    told = table("run\x1b[2J\n\u202e", hostile(tmp_path))
    assert all(line.isprintable() for line in told.split("\n"))
    assert "\u202e" not in told
