"""Plain data from a YAML file to a type of ours; every error with file, line, place, found and expected."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.read.yaml_file import Path_, YamlFile, place, show

T = TypeVar("T")

_SECRET: Final = ("api_key_env", "base_url", "headers")
"""Settings whose values are never shown: they hold secrets, or what was meant to be kept elsewhere."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelled one most likely meant."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def check(file: YamlFile, kind: TypeAdapter[T], data: Any) -> T:
    """`data` (the file's, perhaps with a profile merged in) as a `kind`. Raises UsageProblems with all errors."""
    if not isinstance(data, dict):
        raise UsageProblems([*file.problems, Problem(file.at(()), "", show(data), "a YAML mapping")])
    try:
        # Through JSON, strictly: "0.05" in quotes is no number, and lists become tuples.
        checked = kind.validate_json(json.dumps(data, allow_nan=True), strict=True)
    except ValidationError as error:
        schema = kind.json_schema()
        found = [_problem(file, details, schema) for details in error.errors()]
        raise UsageProblems([*file.problems, *found]) from None
    if file.problems:
        raise UsageProblems(file.problems)
    return checked


def _problem(file: YamlFile, details: ErrorDetails, schema: dict[str, Any]) -> Problem:
    path: Path_ = tuple(part for part in details["loc"] if part not in _LOC_NOISE)
    where = file.at(path)
    if details["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _keys_at(schema, path[:-1])
        expected = f"one of {', '.join(sorted(known))}" if known else "no such key"
        return Problem(where, place(path[:-1]), f"unknown key {path[-1]!r}", expected, nearest(str(path[-1]), known))
    if details["type"] in ("missing", "missing_argument"):
        return Problem(where, place(path), "nothing", f"the key {path[-1]!r}")
    if path and path[-1] == "[key]":
        return Problem(where, place(path[:-1]), f"the key {path[-2]!r}", _expected(details))
    found = "a value that is not shown" if _may_be_secret(path, details["input"]) else show(details["input"])
    choice = None
    if details["type"] == "literal_error" and isinstance(details["input"], str):
        choices = str(details.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        choice = nearest(details["input"], choices)
    return Problem(where, place(path), found, _expected(details), choice)


def _may_be_secret(path: Path_, value: Any) -> bool:
    # A key put where its variable's name belongs, a header of the wrong shape, or a mapping that holds either.
    held = repr(value) if isinstance(value, dict | list) else ""
    return any(name in path or repr(name) in held for name in _SECRET)


# pydantic names the branch of a union in a location; a reader of the file does not see such branches.
_LOC_NOISE = frozenset({"constrained-float", "constrained-int", "constrained-str"})


def _expected(details: ErrorDetails) -> str:
    message = details["msg"]
    for opening in (
        "Input should be ",
        "String should ",
        "Value error, ",
        "Tuple should ",
        "List should ",
        "Dictionary should ",
    ):
        if message.startswith(opening):
            message = message.removeprefix(opening)
            break
    for opening, told in (("match pattern", "text that matches"), ("have ", "something with ")):
        if message.startswith(opening):
            message = told + message.removeprefix(opening)
    return message[:1].lower() + message[1:]


def _keys_at(schema: dict[str, Any], path: Path_) -> set[str]:
    """The keys that the JSON Schema knows at a path."""
    definitions = schema.get("$defs", {})
    nodes = _options(schema, definitions)
    for part in path:
        nodes = [option for child in _children(nodes, part) for option in _options(child, definitions)]
    return {key for node in nodes for key in node.get("properties", {})}


def _options(node: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in node:
        return _options(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    if "anyOf" in node:
        return [option for branch in node["anyOf"] for option in _options(branch, definitions)]
    return [node]


def _children(nodes: list[dict[str, Any]], part: str | int) -> list[dict[str, Any]]:
    children = []
    for node in nodes:
        if isinstance(part, int):
            children.append(node.get("items"))
        elif part in node.get("properties", {}):
            children.append(node["properties"][part])
        else:
            children.append(node.get("additionalProperties"))
            children.extend(node.get("patternProperties", {}).values())
    return [child for child in children if isinstance(child, dict)]
