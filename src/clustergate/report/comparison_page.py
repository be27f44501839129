"""Stored runs side by side as one HTML page that needs nothing else: no script, no other file, no network. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from clustergate.nouns.comparison import BehaviorComparison, Comparison, Outcome
from clustergate.report import comparison as words
from clustergate.report.escape import markup

_STYLE: Final = """\
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1a1a1a;
  background: #fff; overflow-wrap: anywhere }
h1 { font-size: 1.7rem; line-height: 1.25 } code { font-size: .92em } svg { display: block }
li code { display: inline-block; max-width: 100% }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ccc }
th { background: #f4f4f4 } th, .figures { overflow-wrap: normal } td + td { min-width: 5.6rem }
tr.worse td { background: #fdecea } tr.unknown td { background: #fff8e1 }
.line { fill: none; stroke: #1f5fa8; stroke-width: 2 } .dot { fill: #1f5fa8 } .limit { stroke: #b3261e;
  stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #161616 } th { background: #262626 }
  th, td { border-color: #444 } tr.worse td { background: #4a1f1c } tr.unknown td { background: #453a12 }
  .line { stroke: #7fb2ea } .dot { fill: #7fb2ea } .limit { stroke: #f2867e } }
@media (max-width: 64rem) { thead, td:empty { display: none } table, tbody, tr { display: block }
  tr { border-bottom: 1px solid #888 } td { display: flow-root; padding-left: 7.7rem; border: 0 }
  td::before { content: attr(data-head); float: left; width: 6.6rem; margin-left: -7.1rem; opacity: .75 } }
"""
_WIDTH, _HEIGHT, _EDGE = 160, 36, 4


def page(comparison: Comparison) -> str:
    """The whole page, with a final newline."""
    runs = comparison.runs
    title = markup(f"{runs[-1].name} against {runs[0].name}")
    told = [f"{markup(text)} {', '.join(map(_code, names))}".rstrip() for text, names in words.summary(comparison)]
    heads = [
        [str(i), _code(run.name), _code(run.file), markup(run.started or "-"), markup(run.release or "-")]
        for i, run in enumerate(runs, start=1)
    ]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Nothing is fetched and nothing runs, whatever a name in a report says.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        _items(told),
        _table(words.RUNS, heads),
        *_rates("Rates", [found for found in comparison.behaviors if not found.is_control]),
        *(_trend(comparison) if len(runs) > 2 else ()),
        *_rates("Controls", [found for found in comparison.behaviors if found.is_control]),
        *_what_changed(comparison),
        "<h2>How to read it</h2>",
        _items(markup(text) for text in (*words.EXPLAINED, *comparison.notes)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _code(text: str) -> str:
    """A name, which is best broken after an underscore."""
    return f"<code>{markup(text).replace('_', '_<wbr>')}</code>"


def _items(items: Iterator[str] | Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items) or '<li>Nothing.</li>'}</ul>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], kinds: Sequence[str] = ()) -> str:
    """`kinds` has a class for each row, or ''. Each cell names its column: where it is narrow they stand in a list."""
    lines = ["<tbody>"]
    for row, kind in zip(rows, kinds or [""] * len(rows), strict=True):
        mark = f' class="{kind}"' if kind else ""
        cells = (f'<td data-head="{name}">{cell}</td>' for name, cell in zip(head, row, strict=True))
        lines.append(f"<tr{mark}>{''.join(cells)}</tr>")
    names = "".join(f'<th scope="col">{name}</th>' for name in head)
    return "\n".join([f"<table><thead><tr>{names}</tr></thead>", *lines, "</tbody></table>"])


def _figures(text: str) -> str:
    """Broken before a bracket and before what is missing, and nowhere else: '60.0 % (48 of 80), 3 missing'."""
    whole = re.sub(r" (?!\(|\d+ missing)", "&nbsp;", text)
    return f'<span class="figures">{whole}</span>'


def _rates(heading: str, behaviors: Sequence[BehaviorComparison]) -> Iterator[str]:
    if not behaviors:
        return
    yield f"<h2>{heading}</h2>"
    rows = [
        [
            f"{_code(found.id)} {markup(found.title)}",
            _figures(words.rate(found.measured[0])),
            _figures(words.rate(found.measured[-1])),
            _figures(words.difference(found.difference)),
            words.margin(found),
            markup(words.verdicts(found)),
            markup(words.reading(found)),
        ]
        for found in behaviors
    ]
    yield _table(words.RATES, rows, [_kind(found) for found in behaviors])


def _kind(found: BehaviorComparison) -> str:
    if found.is_worse or found.passes_no_more:
        return "worse"
    return "unknown" if found.outcome in (Outcome.NOT_COMPARABLE, Outcome.NOT_MEASURED) else ""


def _trend(comparison: Comparison) -> Iterator[str]:
    yield "<h2>Trend</h2><p>From 0 to the greatest of the rates and the limit, which is the dashed line.</p>"
    behaviors = [found for found in comparison.behaviors if not found.is_control]
    rows = [[_code(found.id), plot(found), *_in_words(found)] for found in behaviors]
    yield _table(words.TREND, rows, ["worse" if found.is_eroded else "" for found in behaviors])


def _in_words(found: BehaviorComparison) -> tuple[str, str, str]:
    rates, said = words.trend(found)
    return markup(rates), markup(said), markup(words.remark(found))


def plot(found: BehaviorComparison) -> str:
    """The rates over the runs as an inline SVG; a gap where there is no rate."""
    top, last = words.top_of(found), max(len(found.measured) - 1, 1)

    def height(rate: float) -> str:
        return f"{_EDGE + (1 - rate / top) * (_HEIGHT - 2 * _EDGE):.1f}"

    pieces: list[list[str]] = [[]]
    for number, one in enumerate(found.measured):
        if one is None or one.rate is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{_EDGE + number / last * (_WIDTH - 2 * _EDGE):.1f},{height(one.rate)}")
    lines = [f'<polyline class="line" points="{" ".join(piece)}"/>' for piece in pieces if len(piece) > 1]
    dots = [
        f'<circle class="dot" cx="{x}" cy="{y}" r="2.5"/>'
        for piece in pieces
        for x, y in (point.split(",") for point in piece)
    ]
    limit = found.limit
    across = (
        "" if limit is None else f'<line class="limit" x1="0" x2="{_WIDTH}" y1="{height(limit)}" y2="{height(limit)}"/>'
    )
    said = markup(f"{found.id}: {words.trend(found)[0]}")
    return (
        f'<svg role="img" aria-label="{said}" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f"<title>{said}</title>{across}{''.join(lines)}{''.join(dots)}</svg>"
    )


def _what_changed(comparison: Comparison) -> Iterator[str]:
    yield "<h2>What else changed</h2>"
    for number, changes in enumerate(comparison.changes, start=1):
        if len(comparison.changes) > 1:
            yield f"<p>From {number} to {number + 1}:</p>"
        yield _items([markup(change) for change in changes])
