"""A finished run as an accepted baseline: the part of its report.json that a comparison needs. Pure.

Made to be reviewed: behaviors and prompts are sorted, and each prompt is one line, so that a pull request shows what
moved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from clustergate.nouns.baseline import Baseline

_MODEL: Final = ("name", "provider", "id", "base_url", "served_as", "simulated")
_KEPT: Final[Mapping[str, Sequence[str]]] = {
    "release": ("verdict", "alpha", "not_run"),
    "sampling": ("system_prompt", "temperature", "max_tokens", "extra_body"),
    "judge": ("name", "prompt_hash", "how", "judges", "calibration", "labels", "served_as", "simulated"),
}
_BEHAVIOR: Final = (
    *("id", "title", "theme", "channel", "of", "verdict", "reason", "waiver", "limit", "alpha", "ceiling", "attempt"),
    *("samples", "exhibited", "missing", "counted_as"),
)
_PROMPT: Final = ("id", "samples", "exhibited", "missing", "hash")
_MADE: Final = (
    "clustergate",
    "suite_hash",
    "thresholds_hash",
    "judge_hash",
    "attempt",
    "started",
    "python",
    "packages",
)
_HASHES: Final = ("behavior_hashes", "judge_prompt_hashes")
_FLAT: Final = frozenset({"counted_as"})
_ONE_LINE: Final = 100


def left_out(run: Baseline) -> dict[str, str]:
    """The behaviors that cannot be a baseline, each with the reason."""
    found = {}
    for name, counts in run.behaviors.items():
        if counts.is_control:
            found[name] = "a control is about the instrument, not about the model"
        elif counts.is_broken:
            found[name] = f"its measurement broke off or did not hold ({counts.reason})"
        elif not counts.answered:
            found[name] = "no reply of it counts"
    return found


def accepted(data: Mapping[str, Any], without: Mapping[str, str], name: str, on: str) -> str:
    """The file, with a final newline: the behaviors of a report.json's `data` but those in `without`, each with why."""
    made = data.get("provenance") or {}
    behaviors = [found for found in data["behaviors"] if found["id"] not in without]
    keep = [found["id"] for found in behaviors]
    gaps = {found["id"]: without[found["id"]] for found in data["behaviors"] if _is_gap(found, without)}
    file = {
        "schema_version": data["schema_version"],
        "accepted": {"name": name, "on": on, "left_out": dict(sorted(gaps.items()))},
        "simulated": data.get("simulated"),
        "model": _model(data["model"]),
        **{part: _picked(data.get(part) or {}, names) for part, names in _KEPT.items()},
        "variants": data.get("variants"),
        "behaviors": [_behavior(found) for found in sorted(behaviors, key=lambda found: str(found["id"]))],
        "provenance": {
            **_picked(made, _MADE),
            **{
                part: {one: (made.get(part) or {}).get(one) for one in sorted(keep)} for part in _HASHES if part in made
            },
        },
    }
    return _rendered(file, 0) + "\n"


def _is_gap(found: Mapping[str, Any], without: Mapping[str, str]) -> bool:
    """Controls are never in a baseline: that they are not is no gap."""
    return found["id"] in without and found.get("control") is None


def _picked(data: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: data[name] for name in names if name in data}


def _model(model: Mapping[str, Any]) -> dict[str, Any]:
    # A simulator listens at another port each time: no reviewer wants to read of that.
    return _picked(model, [name for name in _MODEL if name != "base_url" or not model.get("simulated")])


def _behavior(found: Mapping[str, Any]) -> dict[str, Any]:
    prompts = sorted(found.get("prompts") or (), key=lambda prompt: str(prompt["id"]))
    return {**_picked(found, _BEHAVIOR), "prompts": [_picked(prompt, _PROMPT) for prompt in prompts]}


def _rendered(value: Any, depth: int) -> str:
    """JSON with what is flat in a list on one line, and what is flat and short anywhere."""
    line = _escaped(value)
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    flat = not any(isinstance(part, dict | list) for part in parts)
    if not parts or (flat and (len(line) <= _ONE_LINE or depth < 0)):
        return line
    depth = abs(depth)
    pad, end = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict):
        inner = [
            f"{_escaped(key)}: {_escaped(part) if key in _FLAT else _rendered(part, depth + 1)}"
            for key, part in value.items()
        ]
    else:
        inner = [_rendered(part, -(depth + 1)) for part in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{pad}" + f",\n{pad}".join(inner) + f"\n{end}{closing}"


def _escaped(value: Any) -> str:
    """ASCII, so that no character of a name can reorder or hide a line of a review."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False).replace("\x7f", "\\u007f")
