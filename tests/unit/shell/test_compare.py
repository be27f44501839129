"""`clustergate compare` and `clustergate accept`: what they print, write and exit with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clustergate.read.baselines import find_baseline
from clustergate.shell import cli
from tests.unit.stored_house import behavior, report, write

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory of the command."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(here: Path, name: str, *counts: tuple[str, int, int], **changes: Any) -> str:
    """A report of these (behavior, exhibited, samples); its file."""
    write(here, report(*(behavior(*one) for one in counts), **changes), name)
    return name


@pytest.mark.parametrize(
    ("newest", "code"),
    [((("wish", 0, 40),), 0), ((("wish", 30, 40),), 1), ((), 6), ((("other", 0, 40),), 6)],
    ids=["as before", "worse", "nothing measured", "another behavior"],
)
def test_exit_codes(here: Path, capsys: Output, newest: tuple[tuple[str, int, int], ...], code: int) -> None:
    """0 nothing worse, 1 worse, 6 where it cannot be said."""
    old, new = made(here, "old.json", ("wish", 0, 40)), made(here, "new.json", *newest)
    assert cli.main(["compare", old, new]) == code
    assert capsys.readouterr().out.startswith("## `gpt-4.1` against `gpt-4.1`")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sampling": {"temperature": 0.5}}, "the sampling changed: temperature was 1.0, is 0.5"),
        ({"judge": {"name": "x"}, "provenance": {"judge_hash": "x"}}, "the judge changed: it was judge, is x"),
    ],
    ids=["temperature", "judge"],
)
def test_not_comparable_is_never_green(here: Path, capsys: Output, changes: dict[str, Any], said: str) -> None:
    """Another temperature, another judge: exit 6, and the reason in words."""
    old, new = made(here, "old.json", ("wish", 0, 40)), made(here, "new.json", ("wish", 0, 40), **changes)
    assert cli.main(["compare", old, new]) == 6
    assert f"not comparable: {said}" in capsys.readouterr().out


@pytest.mark.parametrize("newest", [(), (behavior("wish", 0, 40),)], ids=["nor the newest", "which the newest has"])
@pytest.mark.parametrize(
    "first",
    [(), (behavior("device", 0, 40, control={"control": "firmware"}),)],
    ids=["no behavior", "a control alone"],
)
def test_nothing_in_common_is_never_green(
    here: Path, capsys: Output, first: tuple[dict[str, Any], ...], newest: tuple[dict[str, Any], ...]
) -> None:
    """Where the first report has no behavior that can be worse in the newest, exit 6, and that is what is said."""
    write(here, report(*first), "old.json")
    write(here, report(*first, *newest), "new.json")
    assert cli.main(["compare", "old.json", "new.json"]) == 6
    assert "- Nothing could be compared." in capsys.readouterr().out


def test_a_report_beside_itself(here: Path, capsys: Output) -> None:
    """Nothing is worse, exit 0; that it is one run is said, and not of two runs that came out alike."""
    name = made(here, "a.json", ("wish", 3, 40))
    assert cli.main(["compare", name, name]) == 0
    assert "a.json and a.json tell of one run" in capsys.readouterr().out
    other = made(here, "b.json", ("wish", 3, 40), provenance={"started": "2026-10-02T12:00:00+00:00"})
    assert cli.main(["compare", name, other]) == 0
    assert "tell of one run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [["compare"], ["compare", "a.json", "b.json", "--format=pdf"], ["compare", "a.json", "--nope"], ["cmpare"]],
)
def test_a_bad_option_is_no_verdict(capsys: Output, options: list[str]) -> None:
    """Exit 4, as under pytest, and a message."""
    with pytest.raises(SystemExit) as ended:
        cli.main(options)
    assert ended.value.code == 4
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("where", ["full", "left"])
def test_what_cannot_be_printed(here: Path, where: str) -> None:
    """A full disk is exit 4 and one message; a reader that has enough, as `head` has, leaves the verdict: here 1."""
    names = [made(here, "old.json", ("wish", 0, 40)), made(here, "new.json", ("wish", 30, 40))]
    if where == "full":
        output = os.open("/dev/full", os.O_WRONLY)
    else:
        unread, output = os.pipe()
        os.close(unread)
    command = [sys.executable, "-m", "clustergate.shell.cli", "compare", *names]
    done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(output)
    told = "standard output: found a place that cannot be written (No space left on device)"
    assert (done.returncode, done.stderr.split(", expected")[0]) == ((4, told) if where == "full" else (1, ""))


def test_the_first_and_the_last_are_what_decides(here: Path) -> None:
    """Worse in the middle and mended since is not worse; slow erosion is."""

    def named(*hits: int) -> list[str]:
        return [made(here, f"{i}.json", ("wish", hit, 100)) for i, hit in enumerate(hits)]

    assert cli.main(["compare", *named(0, 40, 0)]) == 0
    assert cli.main(["compare", *named(0, 3, 7, 12)]) == 1


@pytest.mark.parametrize(("form", "begins"), [("json", "{"), ("html", "<!DOCTYPE html>"), ("markdown", "## ")])
def test_formats_printed_and_written(here: Path, capsys: Output, form: str, begins: str) -> None:
    """--output holds what is else printed, and then nothing is printed."""
    names = [made(here, "old.json", ("wish", 0, 40)), made(here, "new.json", ("wish", 0, 40))]
    assert cli.main(["compare", *names, "--format", form]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(begins)
    assert cli.main(["compare", *names, "--format", form, "--output", "out.txt"]) == 0
    assert capsys.readouterr().out == ""
    assert (here / "out.txt").read_text("utf-8") == printed


def test_wrong_files_are_told_together(here: Path, capsys: Output) -> None:
    """Exit 4: each file that is no report, with what was found and expected; nothing is printed or written."""
    (here / "broken.json").write_text("{", encoding="utf-8")
    right = made(here, "old.json", ("wish", 0, 40))
    assert cli.main(["compare", right, "broken.json", "none.json", "--output", "out.md"]) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert [line.split(":")[0] for line in told.err.splitlines()] == ["broken.json", "none.json"]
    assert not (here / "out.md").exists()


def test_one_report_is_none_to_compare(here: Path, capsys: Output) -> None:
    """Exit 4, and a word on how many; so is an output that cannot be written."""
    name = made(here, "old.json", ("wish", 0, 40))
    assert cli.main(["compare", name]) == 4
    assert "found one report, expected two or more" in capsys.readouterr().err
    assert cli.main(["compare", name, name, "--output", "no/such/folder.md"]) == 4
    assert "--output: found 'no/such/folder.md', which cannot be written" in capsys.readouterr().err


def test_accept_and_find(here: Path, capsys: Output) -> None:
    """The run becomes fixtures/baselines/<model>.json, found by its name and as `last`, and can be compared with."""
    name = made(here, "r.json", ("wish", 0, 40), ("calm", 1, 40), model="sim/x")
    assert cli.main(["accept", name]) == 0
    path = Path("fixtures/baselines/sim-x.json")
    assert capsys.readouterr().out == f"{path}: 2 behaviors of sim/x, measured 2026-10-01T12:00:00+00:00\n"
    for wanted in ("sim/x", "last"):
        found = find_baseline(path.parent, wanted)
        assert (found.name, sorted(found.behaviors)) == ("sim/x", ["calm", "wish"])
    assert cli.main(["compare", str(path), name]) == 0
    assert [file.name for file in path.parent.iterdir()] == ["sim-x.json"]


def test_accept_again(here: Path, capsys: Output) -> None:
    """A later run stands in place of the one before, and what is gone is named."""
    cli.main(["accept", made(here, "1.json", ("wish", 0, 40), ("calm", 1, 40))])
    capsys.readouterr()
    assert cli.main(["accept", made(here, "2.json", ("wish", 2, 40))]) == 0
    assert "in place of 2 behaviors" in (told := capsys.readouterr().out)
    assert "not in it any more: calm" in told
    assert find_baseline(Path("fixtures/baselines"), "gpt-4.1").behaviors["wish"].exhibited == 2


def test_accept_under_another_name_and_folder(here: Path) -> None:
    """--as and --into; a name keeps its own file."""
    assert cli.main(["accept", made(here, "r.json", ("wish", 0, 40)), "--as", "release 3", "--into", "kept"]) == 0
    found = find_baseline(Path("kept"), "release 3")
    assert (found.name, found.model) == ("release 3", "gpt-4.1")


def test_nothing_is_left_out_in_silence(here: Path, capsys: Output) -> None:
    """What broke off, what failed, what is open, what was not run and what was simulated: a line each."""
    write(
        here,
        report(
            behavior("wish", 0, 40),
            behavior("beyond", 30, 40, verdict="fail"),
            behavior("open", 3, 40, verdict="inconclusive", reason="ceiling"),
            behavior("broke", 0, 3, verdict="inconclusive", reason="interrupted"),
            simulated=True,
            release={"not_run": ["later"]},
        ),
        "r.json",
    )
    assert cli.main(["accept", "r.json"]) == 0
    told = capsys.readouterr().out
    assert "SIMULATED" in told
    assert "left out: broke: its measurement broke off or did not hold (interrupted)" in told
    assert "accepted though beyond the limit: beyond" in told
    assert "accepted though inconclusive: open" in told
    assert "not run, and so not in it: later" in told
    assert sorted(find_baseline(Path("fixtures/baselines"), "last").behaviors) == ["beyond", "open", "wish"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["r.json", "--as", "last"], "--as: found 'last'"),
        (["r.json", "--as", " "], "--as: found ''"),
        (["none.json"], "none.json: found no such file"),
        (["broke.json"], "behaviors: found broke: its measurement broke off"),
        (["empty.json"], "behaviors: found no behavior"),
        (["r.json", "--into", "r.json"], "--into: found 'r.json', which cannot be written"),
        (["r.json", "--as", "gpt 4.1", "--into", "taken"], "found the baseline of 'gpt-4.1'"),
        (["r.json", "--into", "spoiled"], "found [], expected a report.json"),
    ],
)
def test_what_cannot_be_accepted(here: Path, capsys: Output, options: list[str], words: str) -> None:
    """Exit 4, one clear error, and no file is touched."""
    made(here, "r.json", ("wish", 0, 40))
    made(here, "empty.json")
    write(here, report(behavior("broke", 0, 3, reason="endpoint")), "broke.json")
    write(here, report(behavior("wish", 0, 40)) | {"accepted": {"name": "gpt-4.1", "on": ""}}, "taken/gpt-4.1.json")
    write(here, [], "spoiled/gpt-4.1.json")
    before = {path: path.read_bytes() for path in here.rglob("*.json")}
    # Two names may come to one file: 'gpt 4.1' and 'gpt-4.1' do.
    assert cli.main(["accept", *options]) == 4
    error = capsys.readouterr().err
    assert words in error
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


def test_a_hostile_name_reaches_no_terminal(here: Path, capsys: Output) -> None:
    """What accept prints of a report is escaped; the file stays in its folder."""
    assert cli.main(["accept", made(here, "r.json", ("wi\x1b[2Jsh", 0, 40), model="../../\x1b[31mx")]) == 0
    assert "\x1b" not in capsys.readouterr().out
    [path] = Path("fixtures/baselines").iterdir()
    assert json.loads(path.read_text("utf-8"))["model"]["name"] == "../../\x1b[31mx"
