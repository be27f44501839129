"""What both protocols have in common: a request read, an answer before it takes shape, a request refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

Turn = tuple[str, str]
"""Role (user or assistant) and text."""

_WORD: Final = re.compile(r"\S+")


class Refused(Exception):
    """A request that gets an error with this HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request for an answer. `tool` is the name of the tool that the answer must be put into."""

    model: str
    system: str
    messages: tuple[Turn, ...]
    n: int = 1
    max_tokens: int | None = None
    tool: str | None = None

    @property
    def input_tokens(self) -> int:
        return tokens(self.system) + sum(tokens(text) for _, text in self.messages)


@dataclass(frozen=True)
class Said:
    """One answer; `cut` where max_tokens ended it. `data` is its content where it is JSON for a tool."""

    text: str
    cut: bool = False
    data: Mapping[str, Any] | None = None


class Shape(Protocol):
    """How one provider puts requests, answers and errors."""

    def read(self, body: Mapping[str, Any]) -> Asked:
        """Raises Refused (400)."""

    def answer(self, asked: Asked, said: list[Said]) -> dict[str, Any]: ...

    def error(self, status: int, message: str) -> dict[str, Any]: ...

    def models(self, names: list[str]) -> dict[str, Any]: ...


def tokens(text: str) -> int:
    """Tokens of a text, as four for every three words."""
    return round(len(text.split()) * 4 / 3)


def cut(text: str, max_tokens: int | None) -> Said:
    """The text as far as the tokens go."""
    if max_tokens is None or tokens(text) <= max_tokens:
        return Said(text)
    kept = int(max_tokens * 3 / 4)
    end = 0
    for number, word in enumerate(_WORD.finditer(text)):
        if number == kept:
            break
        end = word.end()
    return Said(text[:end], cut=True)


def parse(raw: bytes) -> Mapping[str, Any]:
    """The body of a request. Raises Refused (400)."""
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refused(400, "The body of the request is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Refused(400, "The body of the request is not a JSON object.")
    if body.get("stream"):
        raise Refused(400, "The simulator does not stream: leave out `stream`, or set it to false.")
    if not isinstance(body.get("model"), str):
        raise Refused(400, "`model` must be a string.")
    return body


def whole(body: Mapping[str, Any], name: str, most: int | None = None) -> int | None:
    """A positive whole number of the body, or None. Raises Refused (400)."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (most is not None and value > most):
        raise Refused(400, f"`{name}` must be a whole number from 1{f' to {most}' if most else ''}.")
    return value


def temperature_up_to(body: Mapping[str, Any], most: float) -> None:
    """Check the temperature. It changes nothing: every request is a draw, at temperature 0 too."""
    value = body.get("temperature")
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise Refused(400, f"`temperature` must be a number from 0 to {most:g}.")


def conversation(body: Mapping[str, Any]) -> tuple[str, tuple[Turn, ...]]:
    """The system text and the user's and assistant's messages in order. Raises Refused (400)."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "`messages` must be a list with at least one message.")
    system: list[str] = [text_of(body["system"], "system")] if body.get("system") else []
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise Refused(400, f"`{place}` must be an object with a role and a content.")
        text = text_of(message.get("content"), f"{place}.content")
        if message["role"] in ("system", "developer"):
            system.append(text)
        else:
            turns.append((message["role"], text))
    return "\n\n".join(system), tuple(turns)


def text_of(content: Any, place: str) -> str:
    """A string, or the texts of a list of parts. Raises Refused (400)."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "\n".join(part["text"] for part in content if isinstance(part.get("text"), str))
    raise Refused(400, f"`{place}` must be a string or a list of parts.")
