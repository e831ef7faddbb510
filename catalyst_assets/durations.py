"""How long something takes or may take, as people write it in settings and campaign files."""

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, TypeAdapter, ValidationError

_PLAIN: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(min|h|d|w)\s*")
_UNITS: Final = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AS_ISO: Final = TypeAdapter(timedelta)


def _as_duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if match := _PLAIN.fullmatch(str(value)):
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    try:
        return _AS_ISO.validate_python(str(value))
    except ValidationError:
        raise ValueError(f"{value!r} is no duration: write 30min, 12h, 7d or 2w") from None


# 30min, 12h, 7d, 2w; or as ISO 8601 writes it.
Duration = Annotated[timedelta, BeforeValidator(_as_duration)]
