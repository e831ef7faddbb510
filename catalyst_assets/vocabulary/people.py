"""Names of people and instruments as the log shows them: readable, and nobody's who acts by itself."""

import re
import unicodedata
from typing import Final

from catalyst_assets.vocabulary.validators import VALIDATORS

LONGEST_NAME: Final = 200
# Names under which the platform itself moves candidates.
_OWN: Final = frozenset({"loop", *VALIDATORS})
# Letters and marks that show nothing, though Unicode does not call them invisible.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_REVERSING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def check_name(name: str) -> str:
    """Return a name with single blanks inside it and none around.

    Raises
    ------
    ValueError
        It is empty, too long, shows other than what it holds, or the platform acts under it.
    """
    text = " ".join(name.split())
    if not any(sign.isalnum() for sign in text):
        raise ValueError("must name somebody: it has neither letters nor digits")
    if len(text) > LONGEST_NAME:
        raise ValueError(f"has {len(text):,} characters, more than {LONGEST_NAME}")
    for sign in text:
        if sign in _BLANK or unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise ValueError(f"holds a character that nobody sees (U+{ord(sign):04X})")
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded in _OWN or folded.startswith("catalyst_"):
        raise ValueError(f"must not be {text}: the platform itself acts under that name")
    return text


def check_text(text: str) -> str:
    """Return a text that people read.

    Raises
    ------
    ValueError
        It holds control characters, or such as reverse what is read.
    """
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    if _REVERSING.search(text):
        raise ValueError("must not contain characters that reverse the direction of text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain halves of characters") from None
    return text
