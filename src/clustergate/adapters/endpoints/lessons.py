"""Parameters that an endpoint does not take, learned from its own words once and remembered."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from clustergate.adapters.endpoints.faults import provider_message, refused_name

TEMPERATURE: Final = "temperature"
MAX_TOKENS: Final = "max_tokens"
SCHEMA: Final = "schema"
SEVERAL: Final = "n"

# Says that a parameter is not taken at all, or not at this value.
_REFUSAL: Final = (
    r"unsupported|not (?:be )?support|(?:does|do)(?:n't| not) support|not permitted|not allowed|deprecated|"
    r"unknown|unrecognized|unexpected|extra inputs|extra_forbidden|only the default|may only be set|only .{0,20}=1 is|"
    r"cannot|can't|not available|unavailable|not accept|not implemented|instead|remove"
)
# A value out of range is the user's mistake, and is not mended by sampling in another way than was asked for.
_RANGE: Final = r"greater than|less than|at most|at least|between|too (?:large|high|low|small)|exceed|\brange\b|maximum"
_NAMES: Final = {
    TEMPERATURE: r"\btemperature\b",
    MAX_TOKENS: r"\bmax_tokens\b",
    # Without a schema the request still asks for JSON in words, so here any complaint is enough.
    SCHEMA: r"response_format|json_schema|structured.outputs?|guided|grammar|\btools?\b|tool_choice",
    # One answer a request is asked for as well, so here too.
    SEVERAL: r"['\"`]n['\"`]|\bn ?[=:>] ?\d|\bn (?:must|should|is|cannot)|only one (?:completion )?choice|"
    r"multiple (?:choices|completions)",
}
_FIELDS: Final = {
    TEMPERATURE: ("temperature",),
    MAX_TOKENS: ("max_tokens",),
    SCHEMA: ("response_format", "tools", "tool_choice"),
    SEVERAL: ("n",),
}
_WHATEVER_IS_SAID: Final = frozenset({SCHEMA, SEVERAL})
_NEAR: Final = 120
"""Characters between a parameter's name and the word that refuses it."""


class Lessons:
    """What one endpoint has taught. `schema_words` says what a schema is called there."""

    def __init__(self, schema_words: str) -> None:
        self._words = {
            TEMPERATURE: "temperature (the endpoint refused it)",
            MAX_TOKENS: "max_tokens (sent as max_completion_tokens)",
            SCHEMA: f"{schema_words} (the endpoint refused it)",
            SEVERAL: "n (one answer a request)",
        }
        self._learned: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self._learned

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(self._words[name] for name in self._learned if name != SEVERAL)

    def learn(self, status: int, body_text: str, sent: Collection[str]) -> str | None:
        """What was learned, in words, if the answer refuses a parameter that this very request `sent`; else None.

        Several requests in flight may be taught the same: each is told, and it is remembered once.
        """
        if status not in (400, 422, 500, 501):
            return None
        name = _refused(body_text, sent)
        if name is None or (status >= 500 and name != SEVERAL):  # so llama.cpp speaks of `n`
            return None
        if name not in self._learned:
            self._learned.append(name)
        return self._words[name]


def _refused(body_text: str, sent: Collection[str]) -> str | None:
    field, message = refused_name(body_text), provider_message(body_text)
    for name in sent:
        named = field.split(".")[0] in _FIELDS[name]
        if name in _WHATEVER_IS_SAID:
            if named or re.search(_NAMES[name], message, re.IGNORECASE):
                return name
        elif re.search(_RANGE, message, re.IGNORECASE):
            continue
        elif (named and re.search(_REFUSAL, message, re.IGNORECASE)) or _refused_near(_NAMES[name], message):
            return name
    return None


def _refused_near(name: str, message: str) -> bool:
    between = rf".{{0,{_NEAR}}}?"
    either = rf"{name}{between}(?:{_REFUSAL})|(?:{_REFUSAL}){between}{name}"
    return re.search(either, message, re.IGNORECASE | re.DOTALL) is not None
