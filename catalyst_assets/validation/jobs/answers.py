"""What a program answered: its ``result.json``, read with mistrust and brought into the units of the properties.

Whatever is wrong with it becomes a failure with a reason, never an error of the platform.
"""

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from catalyst_assets.validation.jobs.folder import open_regular
from catalyst_assets.vocabulary.known import known_properties
from catalyst_assets.vocabulary.units import conversion
from catalyst_assets.vocabulary.words import unknown

MOST_RESULT_BYTES: Final = 1024**2
_MOST_TOLD: Final = 3
_MOST_CHARACTERS: Final = 1_000


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("is no number")
    return value


_Number = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WrittenValue(_Written):
    """One value of a property."""

    property: str = Field(max_length=200, description="Its name, as `catalyst campaign properties` lists it.")
    value: _Number = Field(description="The number, in `unit`.")
    unit: str = Field(min_length=1, max_length=40, description="Any unit that converts to the property's.")
    standard_deviation: Annotated[_Number, Field(ge=0)] | None = Field(
        None, description="Of the value, in the same unit, where the program knows it."
    )
    note: str = Field("", max_length=10_000, description="What to remember of this value.")


class WrittenResult(_Written):
    """The file ``result.json`` that a program leaves in the folder of its calculation."""

    outcome: Literal["measured", "failed"] = Field(description="Whether there are values.")
    values: tuple[WrittenValue, ...] = Field((), max_length=1_000, description="One for each property.")
    reason: str = Field(
        "",
        max_length=10_000,
        description="Why it failed, or why some values are missing, for a person to read.",
    )
    method: str | None = Field(
        None, max_length=200, description="How the values were obtained, if it is to be checked."
    )
    note: str = Field("", max_length=10_000, description="What to remember of the whole.")
    try_again: bool = Field(
        False, description="Of a failure: whether a second attempt may succeed, such as with safer settings."
    )
    missing: dict[str, str] = Field(
        default_factory=dict, max_length=1_000, description="Why there is no value, by property."
    )
    about: dict[str, Any] = Field(
        default_factory=dict, description="Whatever else is to be kept with the result, such as versions."
    )


@dataclass(frozen=True)
class JobAnswer:
    """A value in the unit of its property."""

    value: float
    unit: str
    standard_deviation: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """What a calculation came to.

    Attributes
    ----------
    reason
        Why it failed, or why some of the values are missing.
    """

    outcome: Literal["measured", "failed"]
    answers: Mapping[str, JobAnswer] = field(default_factory=dict)
    reason: str = ""
    note: str = ""
    try_again: bool = False


def read_result(path: Path, method: str, properties: Collection[str]) -> Finding | None:
    """Return what a program answered; None where it left no result.

    Parameters
    ----------
    method, properties
        What it was asked for; what else it answers of known properties is kept.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > MOST_RESULT_BYTES:
                return _failed(f"result.json is larger than {MOST_RESULT_BYTES // 1024:,} KiB")
            data = file.read(MOST_RESULT_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        return _failed(f"result.json cannot be read: {error.strerror}")
    return understand(data, method, properties)


def understand(data: bytes, method: str, properties: Collection[str]) -> Finding:
    """Return what the bytes of a ``result.json`` mean."""
    if len(data) > MOST_RESULT_BYTES:
        return _failed(f"result.json is larger than {MOST_RESULT_BYTES // 1024:,} KiB")
    try:
        written = WrittenResult.model_validate_json(data)
    except ValidationError as error:
        return _failed(f"result.json is not as it must be: {_explain(error)}")
    if written.method is not None and written.method != method:
        return _failed(f"it was answered by {_short(written.method)}, and {method} was asked for")
    note = _short(written.note)
    if written.outcome == "failed":
        reason = _short(written.reason) or "the program says that it failed, not why"
        return Finding("failed", reason=reason, note=note, try_again=written.try_again)
    problems: list[str] = []
    answers: dict[str, JobAnswer] = {}
    for value in written.values:
        try:
            if value.property in answers:
                raise ValueError("is answered twice")
            answers[value.property] = _answer(value)
        except ValueError as error:
            problems.append(f"{_short(value.property)}: {error}")
    if problems:
        return _failed("result.json has values that cannot be taken: " + _listed(problems))
    if not set(answers) & set(properties):
        return _failed(f"result.json holds none of what was asked for: {', '.join(sorted(properties))}")
    return Finding("measured", answers, _short(written.reason), note)


def _answer(written: WrittenValue) -> JobAnswer:
    known, name = known_properties(), written.property
    if name not in known:
        raise ValueError(unknown("property", name[:60], known))
    unit = known[name].unit
    convert = conversion(written.unit, unit)
    value = convert(written.value)
    spread = written.standard_deviation
    if spread is not None:
        spread = abs(convert(spread) - convert(0.0))
    if not math.isfinite(value) or not math.isfinite(spread or 0.0):
        raise ValueError(f"{written.value:g} {written.unit} is too large a number in {unit}")
    return JobAnswer(value, unit, spread, _short(written.note))


def _failed(reason: str) -> Finding:
    return Finding("failed", reason=reason)


def _explain(error: ValidationError) -> str:
    items = error.errors(include_url=False, include_context=False, include_input=False)
    said = []
    for item in items:
        place = ".".join(str(part)[:60] for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        said.append(_short(f"{place}: {message}" if place else message))
    return _listed(said)


def _listed(problems: list[str]) -> str:
    more = f"; and {len(problems) - _MOST_TOLD} more" if len(problems) > _MOST_TOLD else ""
    return "; ".join(problems[:_MOST_TOLD]) + more


def _short(text: str) -> str:
    """Return text of a program's without what a terminal or a page would act upon."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= _MOST_CHARACTERS else plain[: _MOST_CHARACTERS - 1] + "…"
