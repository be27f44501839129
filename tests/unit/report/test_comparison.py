"""A comparison as Markdown, JSON and HTML: the same words, and nothing that a name in a report could do."""

from __future__ import annotations

import html.parser
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clustergate.nouns.comparison import BehaviorComparison, Comparison, Difference, Measured, Outcome
from clustergate.report.comparison import as_data, crossing, difference, markdown, sparkline
from clustergate.report.comparison_page import page, plot
from clustergate.report.files import ascii_json
from clustergate.run.comparing import compare
from tests.unit.stored_house import behavior, stored

HOSTILE = "</td><script>alert(1)</script>|`@all\u202e\x1b[31m\n# x ![](http://e/x.png) &amp; \"'"


@pytest.fixture
def two(tmp_path: Path) -> Comparison:
    """One behavior worse (56 of 70 after 48 of 80: Newcombe 1998, table II), one not, one that cannot be said."""
    old = [behavior("wish", 48, 80), behavior("calm", 0, 40), behavior("gone", 0, 40)]
    new = [behavior("wish", 56, 73, missing=3, verdict="fail"), behavior("calm", 0, 40)]
    return compare([
        stored(tmp_path, *old, name="old.json", model="gpt-4.1"),
        stored(tmp_path, *new, name="new.json", model="gpt-4.1-ft"),
    ])  # fmt: skip


@pytest.fixture
def eroded(tmp_path: Path) -> Comparison:
    """Four runs in which nothing moved much at once."""
    counts = ((0, 100), (3, 100), (7, 100), (12, 100))
    return compare([stored(tmp_path, behavior("wish", *pair), name=f"{i}.json") for i, pair in enumerate(counts, 1)])


def hostile(folder: Path, runs: int = 3) -> Comparison:
    """Every text of a report that others may have written is an attack."""
    changed = {"title": HOSTILE, "verdict": HOSTILE, "reason": HOSTILE}

    def run(i: int) -> Any:
        return stored(
            folder,
            behavior(HOSTILE, i, 40, **changed, counted_as={HOSTILE: f"{HOSTILE}{i}"}),
            name=f"{i}.json",
            model=HOSTILE,
            simulated=True,
            release={"verdict": HOSTILE, "not_run": [HOSTILE]},
            sampling={"system_prompt": f"{HOSTILE}{i}", "extra_body": {HOSTILE: i}},
            judge={"name": f"{HOSTILE}{i}"},
            provenance={"started": HOSTILE, "judge_hash": str(i), "packages": {HOSTILE: f"{HOSTILE}{i}"}},
        )

    return compare([run(i) for i in range(runs)])


def test_markdown_says_what_got_worse(two: Comparison) -> None:
    """What stands in the way comes first; rates, hits, gaps, difference and verdicts stand together."""
    text = markdown(two)
    assert text.startswith(
        "## `gpt-4.1-ft` against `gpt-4.1`\n\n- Worse beyond the margin: `wish`\n"
        "- Passed before and fails now: `wish`\n- Cannot be said of: `gone`\n"
    )
    [row] = re.findall(r"^\| `wish`.*$", text, re.MULTILINE)
    assert "60.0 % (48 of 80)" in row
    assert "80.0 % (56 of 70), 3 missing" in row
    assert "+20.0 (+5.2 to +33.4)" in row
    assert "**pass → fail** | **worse beyond its margin**" in row
    assert "Trend" not in text
    assert "not measured any more: gone" in text


def test_markdown_says_that_nothing_got_worse(tmp_path: Path) -> None:
    """A run against itself: one sentence, and no word of change."""
    run = stored(tmp_path, behavior("wish", 2, 40))
    text = markdown(compare([run, run]))
    assert "- Nothing is shown to be worse beyond its margin." in text
    assert "### What else changed\n\nNothing." in text


def test_markdown_shows_a_trend(eroded: Comparison) -> None:
    """A bar a run, the rates and verdicts, and erosion by its name; steps have their own changes."""
    text = markdown(eroded)
    assert "Slow erosion, each step within its margin and first to last beyond it: `wish`" in text
    [row] = [line for line in text.splitlines() if "▁" in line]
    assert "| ▁▂▃▄ | 0.0 · 3.0 · 7.0 · 12.0 % | pass · pass · pass · pass | slow erosion" in row
    assert [f"From {i} to {i + 1}:" in text for i in (1, 2, 3, 4)] == [True, True, True, False]


def measured(*rates: float | None, limit: float | None = None) -> BehaviorComparison:
    """One behavior at these rates."""
    runs = tuple(
        None
        if rate is None
        else Measured(exhibited=0, answered=1, missing=0, rate=rate, verdict="pass", reason=None, is_waived=False)
        for rate in rates
    )
    return BehaviorComparison(
        id="a", title="", is_control=False, wants_more=False, limit=limit, measured=runs, outcome=Outcome.OPEN,
        difference=None, steps=(None,) * (len(runs) - 1), disagreements=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rates", "limit", "bars"),
    [
        ((0.0, 0.0, 0.0), None, "▁▁▁"),
        ((0.0, 0.5, 1.0), 0.5, "▁▅█"),
        ((0.1, None, 0.2), 0.2, "▅·█"),
        ((0.02, 0.04), 0.04, "▅█"),
        ((0.0, 0.02), 0.2, "▁▂"),
    ],
)
def test_sparklines(rates: tuple[float | None, ...], limit: float | None, bars: str) -> None:
    """From 0 to the greatest of rates and limit in eight steps; a dot where a run says nothing."""
    assert sparkline(measured(*rates, limit=limit)) == bars


@given(st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=8), st.none() | st.floats(0.001, 1))
def test_plots_stay_in_their_frame(rates: list[float | None], limit: float | None) -> None:
    """Any rates: valid XML, a dot for each rate, all coordinates within width and height."""
    drawn = ElementTree.fromstring(plot(measured(*rates, limit=limit)))
    dots = drawn.findall("circle")
    assert len(dots) == sum(rate is not None for rate in rates)
    assert all(0 <= float(dot.get("cx", -1)) <= 160 and 0 <= float(dot.get("cy", -1)) <= 36 for dot in dots)


@given(st.floats(-1, 1), st.floats(-1, 1), st.sampled_from([0.0, 0.02, 0.0025, 0.1]))
def test_the_interval_agrees_with_the_reading(one: float, other: float, margin: float) -> None:
    """As printed it ends within the margin where it does; by nearest rounding .0504 would read as within 5 points."""
    low, high = min(one, other), max(one, other)
    assume(abs(high - margin) > 1e-6)
    shown = difference(Difference(difference=low, interval=(low, high), margin=margin, outcome=Outcome.OPEN))
    assert (float(shown.removesuffix(")").split()[-1]) <= round(100 * margin, 6)) == (high <= margin)


def test_no_difference_has_no_sign(tmp_path: Path) -> None:
    """4 of 40 twice differ by 0.0, in every form (statsmodels: .1438 each way)."""
    found = compare([stored(tmp_path, behavior("wish", 4, 40), name=f"{i}.json") for i in range(2)])
    assert " 0.0 (-14.4 to +14.4) " in markdown(found)
    assert ">0.0 (-14.4 to +14.4)<" in page(found).replace("&nbsp;", " ")


def test_json_has_the_same_figures(two: Comparison) -> None:
    """Rates as fractions; what is not known is null."""
    data = json.loads(ascii_json(as_data(two)))
    assert data["comparison_version"] == 1
    assert data["compared"] == ["wish", "calm"]
    assert (data["worse"], data["unknown"], data["eroded"]) == (["wish"], ["gone"], [])
    wish = next(found for found in data["behaviors"] if found["id"] == "wish")
    assert wish["measured"][1] == {
        "exhibited": 56, "answered": 70, "missing": 3, "rate": 0.8, "verdict": "fail", "reason": None,
        "is_waived": False,
    }  # fmt: skip
    assert (wish["outcome"], wish["verdict_change"], wish["is_worse"]) == ("worse", ["pass", "fail"], True)
    assert wish["difference"]["difference"] == pytest.approx(0.2)
    gone = next(found for found in data["behaviors"] if found["id"] == "gone")
    assert gone["measured"][1] is gone["difference"] is None


class Tags(html.parser.HTMLParser):
    """All tags and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str | None]] = set()
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= set(attrs)
        if tag not in ("meta", "wbr", "polyline", "circle", "line"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= set(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_stands_by_itself(eroded: Comparison) -> None:
    """Well-formed; no script, link, image or address; a plot for each behavior; a policy that forbids the rest."""
    text = page(eroded)
    found = Tags(text)
    assert found.open == []
    assert not {"script", "link", "img", "iframe", "object", "a", "base", "form"} & set(found.tags)
    assert not {"href", "src", "srcset", "style", "action"} & {name for name, _ in found.attributes}
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert "url(" not in text
    assert "@import" not in text
    assert found.tags.count("svg") == 1
    assert "default-src 'none'" in text
    assert "slow erosion: each step is within its margin" in "".join(found.words)


def test_the_page_says_what_markdown_says(two: Comparison) -> None:
    """Each summary, rate, difference and reading of the Markdown stands on the page too."""
    words = " ".join("".join(Tags(page(two)).words).split())
    for told in (
        "Worse beyond the margin: wish", "Cannot be said of: gone", "80.0 % (56 of 70), 3 missing",
        "+20.0 (+5.2 to +33.4)", "pass → fail", "worse beyond its margin", "not measured any more: gone",
    ):  # fmt: skip
        assert told in words


def test_hostile_names_do_nothing_on_a_page(tmp_path: Path) -> None:
    """Every text of the report is text on the page: the tags are those of a harmless comparison."""
    harmless = {
        i: compare([stored(tmp_path, behavior("wish", j, 40), name=f"h{j}.json") for j in range(i)]) for i in (2, 3)
    }
    for runs in (2, 3):
        text = page(hostile(tmp_path, runs))
        assert "<script" not in text
        assert set(Tags(text).tags) == set(Tags(page(harmless[runs])).tags) | {"li"}
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
        assert "alert(1)" in "".join(Tags(text).words)


def test_hostile_names_do_nothing_in_markdown(tmp_path: Path) -> None:
    """No tag, image, mention or table cell of theirs outside a code span; no control character at all."""
    text = markdown(hostile(tmp_path))
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
    bare = re.sub(r"(`+)[^`].*?[^`]\1(?!`)", "", text)
    for sign in ("<script", "![", "@all", "http://"):
        assert sign not in bare
    tables = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert set(tables) == {6, 8}  # five columns of the runs and of the trend, seven of the rates


def test_hostile_names_in_json_are_ascii(tmp_path: Path) -> None:
    """No control or bidi character raw, and what was written comes back."""
    text = ascii_json(as_data(hostile(tmp_path)))
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["runs"][0]["name"] == HOSTILE


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ("pass pass", ""),
        ("pass inconclusive", ""),
        ("pass fail", "crossed its limit at 2"),
        ("pass pass fail fail", "crossed its limit at 3"),
        ("pass inconclusive fail", "crossed its limit between 1 and 3"),
        ("inconclusive fail", "crossed its limit at 2 or before"),
        ("fail fail", "beyond its limit from the first on"),
        ("fail inconclusive", "beyond its limit from the first on"),
        ("fail pass", "beyond its limit at 1, within it again at 2"),
        ("pass fail pass", "crossed its limit at 2, within it again at 3"),
        ("pass - fail", "crossed its limit between 1 and 3"),
        ("- fail", "crossed its limit at 2 or before"),
    ],
)
def test_where_a_limit_was_crossed(tmp_path: Path, verdicts: str, told: str) -> None:
    """At the first run that fails; what decided nothing before it leaves open since when."""
    runs = [
        stored(tmp_path, *([] if verdict == "-" else [behavior("wish", 3, 40, verdict=verdict)]), name=f"{i}.json")
        for i, verdict in enumerate(verdicts.split())
    ]
    [found] = compare(runs).behaviors
    assert crossing(found) == told
    assert (found.crossed is not None) == ("fail" in verdicts)
