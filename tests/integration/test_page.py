"""The page of a comparison in a real browser."""

from __future__ import annotations

from pathlib import Path

from tests.integration.browser import looked_at
from tests.integration.conftest import Project
from tests.unit.stored_house import behavior, report, write

HOSTILE = (
    "</title></style></td><script>marked = true; fetch('/stolen-by-script')</script>"
    "<img src=/stolen-by-image onerror='marked = true'><style>@import '/stolen-by-style';</style>"
)
LONG = "averylongname" * 40


def test_names_do_nothing_and_all_can_be_read(project: Project, tmp_path: Path) -> None:
    """Attacks and endless names in reports are text: none runs or fetches, and nothing is cut off at either width."""
    files = []
    for number, hits in enumerate((0, 3, 7, 12)):
        changes = {"title": HOSTILE, "verdict": "pass" if number < 3 else HOSTILE}
        attacked = behavior(HOSTILE, hits, 100, **changes)
        endless = behavior(LONG, hits, 100, title=LONG, limit={"max_rate": 0.3, "max_increase": 0.05})
        model = HOSTILE if number % 2 else LONG
        files.append(write(tmp_path, report(attacked, endless, model=model), f"{number}.json").name)
    done = project.tool("compare", *files, "--format=html", "--output=page.html")
    assert done.returncode == 1, done.stderr
    seen, asked = looked_at((tmp_path / "page.html").read_text("utf-8"), tmp_path)
    assert asked == []
    for width in seen:
        assert (width["title"], width["marked"]) == (f"{HOSTILE} against {LONG}", False)
        assert width["beyond"] == 0
        assert all(across > 300 and down > 20 for across, down in width["rows"])
        assert width["plots"] == [[160, 36]] * 2
        text = " ".join(width["text"].split())
        assert "+12.0 (+5.7 to +19.9)" in text
        assert "slow erosion: each step is within its margin, first to last is beyond it" in text
        assert text.count(HOSTILE) > 5
    assert len(seen[0]["rows"]) == 4 + 2 + 2


def test_the_browser_would_tell(tmp_path: Path) -> None:
    """The same attack unescaped runs, fetches, and is noticed; so is a word that is wider than the page."""
    seen, asked = looked_at(f"<!DOCTYPE html><title>x</title><style>a {{}}{HOSTILE}<p>{LONG}", tmp_path)
    assert [width["marked"] for width in seen] == [True, True]
    assert {"/stolen-by-script", "/stolen-by-image", "/stolen-by-style"} <= set(asked)
    assert all(width["beyond"] > 0 for width in seen)
