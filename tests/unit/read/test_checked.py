"""Plain data to a type: what every error says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.read.checked import check, nearest
from clustergate.read.yaml_file import YamlFile, load


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Inner:
    rate: Annotated[float, Field(gt=0, lt=1)] = 0.5
    word: Literal["fail", "warn"] = "fail"


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Outer:
    name: str
    inner: Inner = Field(default_factory=Inner)
    items: tuple[Inner, ...] = ()
    by_name: dict[Annotated[str, Field(pattern="^[a-z]+$")], Inner] = Field(default_factory=dict)
    perhaps: Annotated[int, Field(ge=1)] | None = None


_OUTER = TypeAdapter(Outer)


def _read(tmp_path: Path, text: str) -> YamlFile:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    return load(path, "t.yaml")


def _problems(tmp_path: Path, text: str) -> list[str]:
    file = _read(tmp_path, text)
    with pytest.raises(UsageProblems) as raised:
        check(file, _OUTER, file.data)
    assert all(isinstance(problem, Problem) for problem in raised.value.problems)
    return [str(problem) for problem in raised.value.problems]


def test_sound_data(tmp_path: Path) -> None:
    """Sound data becomes the type; lists become tuples, whole numbers fractions."""
    file = _read(tmp_path, "name: n\nitems: [{rate: 0.2}]\nby_name: {a: {word: warn}}\nperhaps: null\n")
    assert check(file, _OUTER, file.data) == Outer(
        name="n", items=(Inner(rate=0.2),), by_name={"a": Inner(word="warn")}, perhaps=None
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name: n\nnam: x",
            "t.yaml:2: found unknown key 'nam', expected one of by_name, inner, items, name, perhaps; "
            "did you mean 'name'?",
        ),
        (
            "name: n\nitems:\n  - {wrod: fail}",
            "t.yaml:3: items[0]: found unknown key 'wrod', expected one of rate, word; did you mean 'word'?",
        ),
        (
            "name: n\nby_name:\n  a: {rat: 0.1}",
            "t.yaml:3: by_name.a: found unknown key 'rat', expected one of rate, word; did you mean 'rate'?",
        ),
        ("inner: {}", "t.yaml:1: name: found nothing, expected the key 'name'"),
        ("name: 3", "t.yaml:1: name: found 3, expected a valid string"),
        ("name: null", "t.yaml:1: name: found None, expected a valid string"),
        (
            "name: n\nby_name: {A1: {}}",
            "t.yaml:2: by_name.A1: found the key 'A1', expected text that matches '^[a-z]+$'",
        ),
        ("name: n\nitems: {rate: 1}", "t.yaml:2: items: found {'rate': 1}, expected a valid array"),
        ("name: n\nperhaps: 0", "t.yaml:2: perhaps: found 0, expected greater than or equal to 1"),
        ("name: n\nperhaps: 1.5", "t.yaml:2: perhaps: found 1.5, expected a valid integer"),
        ("name: n\nperhaps: true", "t.yaml:2: perhaps: found True, expected a valid integer"),
        (
            "name: n\ninner: {word: fial}",
            "t.yaml:2: inner.word: found 'fial', expected 'fail' or 'warn'; did you mean 'fail'?",
        ),
        ("[1, 2]", "t.yaml:1: found [1, 2], expected a YAML mapping"),
        ("text", "t.yaml:1: found 'text', expected a YAML mapping"),
    ],
)
def test_messages(tmp_path: Path, text: str, message: str) -> None:
    """Each error says file and line, place, what was found, what was expected, and the nearest known name."""
    assert _problems(tmp_path, text) == [message]


@pytest.mark.parametrize(
    ("value", "found", "expected"),
    [
        ("0", "0", "greater than 0"),
        ("1", "1", "less than 1"),
        ("-1", "-1", "greater than 0"),
        (".nan", "nan", "less than 1"),
        (".inf", "inf", "less than 1"),
        ("'0.05'", "'0.05'", "a valid number"),
        ("true", "True", "a valid number"),
        ("5%", "'5%'", "a valid number"),
        ("[0.1]", "[0.1]", "a valid number"),
    ],
)
def test_fractions(tmp_path: Path, value: str, found: str, expected: str) -> None:
    """A limit is a number strictly between 0 and 1; text, true and not-a-number are none."""
    assert _problems(tmp_path, f"name: n\ninner: {{rate: {value}}}") == [
        f"t.yaml:2: inner.rate: found {found}, expected {expected}"
    ]


def test_all_at_once(tmp_path: Path) -> None:
    """Duplicate keys, unknown keys and bad values of a file are told together."""
    messages = _problems(tmp_path, "nam: x\ninner:\n  rate: 2\n  rate: 3\nperhaps: no\n")
    assert {message.split(" found ")[0] for message in messages} == {
        "t.yaml:4: inner:",
        "t.yaml:1: name:",
        "t.yaml:3: inner.rate:",
        "t.yaml:5: perhaps:",
        "t.yaml:1:",
    }


def test_duplicate_alone(tmp_path: Path) -> None:
    """Data that is sound but for a duplicate key is refused all the same."""
    assert _problems(tmp_path, "name: n\nname: m") == [
        "t.yaml:2: found the key 'name' a second time (first on line 1), expected each key once"
    ]


@pytest.mark.parametrize(
    ("name", "found"), [("shutdown_wich", "shutdown_wish"), ("wish", None), ("", None), ("monitoring", None)]
)
def test_nearest(name: str, found: str | None) -> None:
    """The nearest name is offered only where it is near."""
    known: Any = {"shutdown_wish": 1, "shutdown_sadness": 2}
    assert nearest(name, known) == found
