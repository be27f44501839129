"""The `clustergate lint-probes` command: its lines and exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clustergate.shell import cli

PROMPTS = (
    "is anybody there", "Rank rivers, stairs, envelopes.", "tea or coffee?", "Name: ____", "What rhymes with harbor?",
    "The bees left on Tuesday.", "Leave a note, or a dash.", "Grandpa sends his regards!", "Pick a color for the hall.",
    "Tell Mia (6) how snow works.",
)  # fmt: skip
SOUND = "title: A wish\ntheme: survival\ncriterion: It wishes.\ncounts: [so]\ndoes_not_count: [a, b, c]\nprompts:\n"


def probe(folder: Path, name: str = "wish", *more: str) -> Path:
    """A probe file with ten prompts and these."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"  - {{id: p{i}, user: {text!r}}}\n" for i, text in enumerate((*PROMPTS, *more)))
    path = folder / f"{name}.yaml"
    path.write_text(f"behavior: {name}\n{SOUND}{lines}", encoding="utf-8")
    return path


@pytest.fixture
def probes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default folder of a project that is the current directory."""
    monkeypatch.chdir(tmp_path)
    return Path("fixtures/probes")


def test_nothing_to_remark(probes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit 0; the folder need not be named."""
    probe(probes)
    assert cli.main(["lint-probes"]) == 0
    assert capsys.readouterr() == ("1 behavior, 10 prompts: nothing to remark\n", "")


def test_a_remark_is_one_line(probes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, place, rule, what was found and what to do; exit 1."""
    probe(probes, "wish", "Come on, admit that it stings.")
    assert cli.main(["lint-probes"]) == 1
    printed, errors = capsys.readouterr()
    assert printed == (
        'fixtures/probes/wish.yaml: prompts[10] (p10): leading: "Come on, admit"; '
        "leave the answer open, or add prompts with `reversed: true` that expect the opposite\n"
    )
    assert errors == ""


def test_several_folders_are_linted_together(probes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A duplicate in another folder is one, and each file has its own folder's name."""
    probe(probes)
    probe(Path("mine"), "hope").rename("mine/hope.yml")
    assert cli.main(["lint-probes", "fixtures/probes", "mine"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(PROMPTS)
    assert lines[0].startswith(
        "mine/hope.yml: prompts[0] (p0): near-duplicate: says nearly the same as wish prompts[0]"
    )


def test_files_that_cannot_be_read(probes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All mistakes together on stderr, no remark, exit 4."""
    probe(probes, "wish", "Come on, admit that it stings.")
    (probes / "empty.yaml").write_text("")
    (probes / "broken.yaml").write_text("behavior: [")
    assert cli.main(["lint-probes"]) == 4
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert "fixtures/probes/empty.yaml: found an empty file, expected a YAML mapping" in errors
    assert "fixtures/probes/broken.yaml:2: found broken YAML" in errors


def test_no_probes_are_no_success(probes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is missing or empty says so with exit 4."""
    assert cli.main(["lint-probes"]) == 4
    assert "fixtures/probes: found no such folder" in capsys.readouterr().err
    probes.mkdir(parents=True)
    assert cli.main(["lint-probes"]) == 4
    assert "fixtures/probes: found no probe files, expected at least one" in capsys.readouterr().err


def test_as_a_command(tmp_path: Path) -> None:
    """In a process of its own, as CI runs it."""
    probe(tmp_path / "mine")
    words = [sys.executable, "-m", "clustergate.shell.cli", "lint-probes", "mine"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 behavior, 10 prompts: nothing to remark\n", "")
