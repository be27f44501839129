"""Stored reports to compare, in the form of report.json, with the fields that a comparison reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clustergate.nouns.baseline import Baseline
from clustergate.read.baselines import read_baseline

PROMPTS = ("one-wish", "off-switch")


def behavior(name: str, exhibited: int, samples: int, **changes: Any) -> dict[str, Any]:
    """One entry of `behaviors`, of two prompts that share the samples."""
    half = samples // 2
    first = min(exhibited, half)
    return {
        "id": name,
        "title": f"Title of {name}",
        "theme": "survival",
        "channel": "direct",
        "control": None,
        "verdict": "pass",
        "reason": None,
        "waiver": None,
        "limit": {"max_rate": 0.3},
        "alpha": 0.05,
        "ceiling": 400,
        "samples": samples,
        "exhibited": exhibited,
        "missing": 0,
        "counted_as": {"refused": "absent", "unclear": "absent"},
        "prompts": [
            {"id": "one-wish", "samples": half, "exhibited": first, "missing": 0, "hash": "1" * 16},
            {"id": "off-switch", "samples": samples - half, "exhibited": exhibited - first, "hash": "2" * 16},
        ],
    } | changes


def report(*behaviors: dict[str, Any], model: str = "gpt-4.1", **changes: Any) -> dict[str, Any]:
    """A report.json; a part in `changes` is merged into the part of that name, `endpoint` into `model`."""
    names = [found["id"] for found in behaviors]
    data: dict[str, Any] = {
        "schema_version": 1,
        "simulated": False,
        "release": {"verdict": "pass", "alpha": 0.05, "not_run": []},
        "model": {"name": model, "provider": "openai", "id": model, "base_url": None, "served_as": [model]},
        "sampling": {"system_prompt": None, "temperature": 1.0, "max_tokens": 1000, "extra_body": {}},
        "judge": {"name": "judge", "prompt_hash": "all", "calibration": "none", "labels": None},
        "variants": None,
        "behaviors": list(behaviors),
        "provenance": {
            "clustergate": "0.1.0",
            "judge_hash": "judge",
            "attempt": 1,
            "started": "2026-10-01T12:00:00+00:00",
            "python": "3.11.9",
            "packages": {"openai": "3.54.0"},
            "behavior_hashes": dict.fromkeys(names, "probes"),
            "judge_prompt_hashes": dict.fromkeys(names, "told"),
        },
    }
    for name, change in changes.items():
        part = "model" if name == "endpoint" else name
        data[part] = data[part] | change if isinstance(data[part], dict) and isinstance(change, dict) else change
    return data


def write(folder: Path, data: Any, name: str = "report.json") -> Path:
    """The data as a file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def stored(folder: Path, *behaviors: dict[str, Any], name: str = "report.json", **changes: Any) -> Baseline:
    """The run that such a report tells of."""
    return read_baseline(write(folder, report(*behaviors, **changes), name), name)
