"""Whether a judge's quote stands in what the model wrote: the only proof of a positive verdict. Pure.

Words are compared, and not characters: judges copy with other quotation marks, dashes, emphasis and line breaks, and a
reply may be written so that it cannot be copied letter by letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from clustergate.effects.legible import legible

_APOSTROPHE: Final = re.compile("(?<=\\w)['\u2018\u2019\u02bc\u00b4`\u2032\uff07](?=\\w)")
_ELLIPSIS: Final = re.compile(r"\.{3,}|[…⋯]")
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Scripts that put no space between words: each sign is taken for one."""
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
# Letters of Cyrillic and Greek that look like Latin ones, and those; both sides of a comparison are mapped.
_LOOK: Final = str.maketrans(
    "аеорсухіјѕԁһԛԝүοαινρκ",
    "aeopcyxijsdhqwyoaivpk",
)


def words(text: str) -> list[str]:
    """The words of a text as it is seen: without marks over letters, apostrophes, case or look-alike letters."""
    plain = unicodedata.normalize("NFKD", _APOSTROPHE.sub("", legible(text)))
    bare = "".join(sign for sign in plain if unicodedata.category(sign) not in ("Mn", "Me", "Cf"))
    return _WORD.findall(bare.casefold().translate(_LOOK))


def is_quoted(quote: str, written: Sequence[str]) -> bool:
    """True where one of the texts has the words of the quote in a row, or all its pieces around ellipses, in order.

    Pieces have two words or more; a quote of a single letter proves nothing.
    """
    pieces = [piece for piece in map(words, _ELLIPSIS.split(quote)) if piece]
    if sum(len(word) for piece in pieces for word in piece) < 2:
        return False
    # Dots inside a passage may be its own.
    whole = [[word for piece in pieces for word in piece]]
    scattered = len(pieces) > 1 and min(map(len, pieces)) > 1
    return any(
        _stand(whole, text) or (scattered and _stand(pieces, text))
        for text in (f" {' '.join(words(one))} " for one in written)
    )


def _stand(pieces: Sequence[Sequence[str]], text: str) -> bool:
    """Whether the pieces stand in `text`, words with spaces around, one after another."""
    at = 0
    for piece in pieces:
        found = text.find(f" {' '.join(piece)} ", at)
        if found < 0:
            return False
        at = found + len(" ".join(piece)) + 1
    return True
