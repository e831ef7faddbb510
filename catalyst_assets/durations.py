"""How long something takes or may take, as people write it in settings and campaign files."""

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator

_PLAIN: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(min|h|d|w)\s*")
_UNITS: Final = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _as_duration(value: object) -> object:
    match = _PLAIN.fullmatch(value) if isinstance(value, str) else None
    return timedelta(**{_UNITS[match[2]]: float(match[1])}) if match else value


# 30min, 12h, 7d, 2w; or as ISO 8601 writes it.
Duration = Annotated[timedelta, BeforeValidator(_as_duration)]
