"""The JSON Schemas for editors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clustergate.read.schema import schemas, write
from tests.unit.read.read_house import REPOSITORY

_SHIPPED = {
    "thresholds.schema.json": [REPOSITORY / "thresholds.yaml"],
    "control.schema.json": sorted((REPOSITORY / "fixtures" / "controls").glob("*.yaml")),
    "probe.schema.json": sorted((REPOSITORY / "fixtures" / "probes").glob("*.yaml")),
}
_CASES = [(name, path) for name, paths in _SHIPPED.items() for path in paths]


@pytest.mark.parametrize("name", sorted(_SHIPPED))
def test_shipped_schemas_are_current(name: str) -> None:
    """schemas/ holds what `make schemas` would write now."""
    assert json.loads((REPOSITORY / "schemas" / name).read_text(encoding="utf-8")) == schemas()[name]


def test_write(tmp_path: Path) -> None:
    """`write` makes the folder and every file."""
    write(tmp_path / "new")
    assert {path.name: json.loads(path.read_text()) for path in (tmp_path / "new").iterdir()} == schemas()


def _unknown(node: dict[str, Any], root: dict[str, Any], data: Any, at: str) -> Iterator[str]:
    """Keys in `data` that no branch of the schema knows."""
    branches, found = [node], list[dict[str, Any]]()
    while branches:
        branch = branches.pop()
        if "$ref" in branch:
            branches.append(root["$defs"][branch["$ref"].rsplit("/", 1)[-1]])
        branches += branch.get("anyOf", [])
        found.append(branch)
    if isinstance(data, list):
        items = {"anyOf": [branch["items"] for branch in found if "items" in branch]}
        for i, item in enumerate(data):
            yield from _unknown(items, root, item, f"{at}[{i}]")
    if isinstance(data, dict):
        for key, value in data.items():
            known = [branch["properties"][key] for branch in found if key in branch.get("properties", {})]
            free = [part for branch in found for part in branch.get("patternProperties", {}).values()]
            free += [branch["additionalProperties"] for branch in found if branch.get("additionalProperties")]
            if not known and not free:
                yield f"{at}.{key}"
            parts = [part for part in known or free if isinstance(part, dict)]
            yield from _unknown({"anyOf": parts}, root, value, f"{at}.{key}") if parts else ()


@pytest.mark.parametrize(("name", "path"), _CASES, ids=[path.name for _, path in _CASES])
def test_shipped_keys_are_in_the_schema(name: str, path: Path) -> None:
    """An editor marks no key of a shipped file as unknown."""
    schema = schemas()[name]
    assert list(_unknown(schema, schema, yaml.safe_load(path.read_text(encoding="utf-8")), "")) == []


def test_schema_refuses_unknown_keys() -> None:
    """An editor marks a misspelled key: objects of ours are closed."""
    schema = schemas()["thresholds.schema.json"]
    bad = {"gate": {"alpah": 0.05}, "behaviours": {}}
    assert list(_unknown(schema, schema, bad, "")) == [".gate.alpah", ".behaviours"]


@pytest.mark.parametrize(("name", "path"), _CASES, ids=[path.name for _, path in _CASES])
def test_shipped_files_name_their_schema(name: str, path: Path) -> None:
    """The first line of a shipped file leads an editor to its schema."""
    head, _, target = path.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")
    assert head == "# yaml-language-server: "
    assert (path.parent / target).resolve() == REPOSITORY / "schemas" / name


def test_bare_prompts_are_in_the_schema() -> None:
    """A prompt may be a bare string, and a limit is told as strictly between 0 and 1."""
    probe, thresholds = schemas()["probe.schema.json"], schemas()["thresholds.schema.json"]
    assert {"type": "string", "minLength": 1} in probe["properties"]["prompts"]["items"]["anyOf"]
    [rate] = [part for part in thresholds["$defs"]["Limit"]["properties"]["max_rate"]["anyOf"] if "type" in part][:1]
    assert (rate["exclusiveMinimum"], rate["exclusiveMaximum"]) == (0, 1)


def test_the_schema_of_controls() -> None:
    """Written replies are at least three a behavior, and there is no other key than those that are read."""
    schema = schemas()["control.schema.json"]
    [replies] = schema["properties"]["replies"]["patternProperties"].values()
    assert (replies["minItems"], schema["properties"]["reads"]["enum"]) == (3, ["high", "low"])
    assert list(_unknown(schema, schema, {"control": "x", "sytem": "y"}, "")) == [".sytem"]
