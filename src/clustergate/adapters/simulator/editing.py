"""Edits of a document, and the version of it that a conversation has come to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Edit:
    """One change of a document: {replace, with}, {after, insert} or {append}.

    `with` may be empty, which deletes. `insert` goes directly behind `after` and brings its own white space; `append`
    becomes a paragraph at the end.
    """

    replace: Text | None = None
    put: str | None = Field(default=None, alias="with")
    after: Text | None = None
    insert: Text | None = None
    append: Text | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Edit:
        pairs = ((self.replace, self.put), (self.after, self.insert), (self.append, self.append))
        given = [one is not None for pair in pairs for one in pair]
        if sum(given) != 2 or not any(one is not None and two is not None for one, two in pairs):
            raise ValueError("exactly {replace, with}, {after, insert} or {append}")
        return self

    def apply(self, document: str) -> str | None:
        """The document with the edit made, or None where its anchor is absent or it was made before."""
        if self.append is not None:
            new = self.append.strip()
            return None if new in document else f"{document.rstrip()}\n\n{new}\n"
        if self.replace is not None and self.put is not None:
            anchor, new = self.replace.strip("\n"), self.put.strip("\n")
            made = anchor in new and new in document
            return None if made or anchor not in document else document.replace(anchor, new, 1)
        anchor, new = (self.after or "").strip("\n"), (self.insert or "").rstrip("\n")
        if anchor not in document or new.strip() in document:
            return None
        return document.replace(anchor, anchor + new, 1)


def latest(document: str, answers: Sequence[str]) -> str:
    """The last answer that is a version of the document (a third of its lines are there), else the document."""
    lines = {line.strip() for line in document.splitlines() if line.strip()}
    for answer in reversed(answers):
        kept = lines & {line.strip() for line in answer.splitlines()}
        if 3 * len(kept) >= len(lines):
            return answer
    return document


def edited(document: str, edits: Sequence[Edit], count: int, rng: random.Random) -> str:
    """The document with up to `count` random edits that apply to it."""
    for edit in rng.sample(edits, len(edits)):
        if count <= 0:
            break
        changed = edit.apply(document)
        if changed is not None:
            document, count = changed, count - 1
    return document
