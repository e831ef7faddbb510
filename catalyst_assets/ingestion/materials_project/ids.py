"""Names and time stamps of the Materials Project, each in one spelling.

Its materials are numbered in base 26 with the letters a to z; those from before the letters keep their decimal
number. `mp-149`, `mp-ft` and `mp-aaaaaaft` are one material, `mp-itpee` never had a decimal name.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

_MATERIAL: Final = re.compile(r"([a-z]{1,8})-(?:([0-9]{1,18})|([a-z]{1,18}))")


def normalise_material_id(given: object) -> str:
    """Return a material's one name.

    Raises
    ------
    ValueError
        It is no name of a material.
    """
    found = _MATERIAL.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None:
        raise ValueError(f"{given!r:.60} names no material: expected such as mp-149 or mp-itpee")
    from emmet.core.mpid import AlphaID

    prefix, number, letters = found.groups()
    # Letters are padded with a, which is their zero.
    return str(AlphaID(f"{prefix}-{number or letters.lstrip('a') or 'a'}").string)


def identify_material(document: Any) -> str:
    """Return the one name of the material a document is about; empty when it does not tell."""
    try:
        return normalise_material_id(document.get("material_id") if isinstance(document, dict) else None)
    except ValueError:
        return ""


def read_stamp(given: object) -> str | None:
    """Return a moment in UTC as ISO text, None when it cannot be read.

    Read are ISO text, ``{"$date": ISO text or milliseconds}`` and datetimes. Milliseconds are kept: the
    interface's database has no more, its tables have.
    """
    if isinstance(given, dict):
        given = given.get("$date")
    try:
        if isinstance(given, str):
            given = datetime.fromisoformat(given)
        elif isinstance(given, int | float) and not isinstance(given, bool):
            given = datetime.fromtimestamp(given / 1000, UTC)
        if not isinstance(given, datetime):
            return None
        aware = given if given.tzinfo else given.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return None
