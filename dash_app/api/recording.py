"""Recording what was sent, by the one way in which results get into the ledger: that of files.

A list of JSON is a file here, so that the API, the command line and the watched folder say the same of the same rows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from catalyst_assets.validation.submissions.outcome import Outcome
from catalyst_assets.validation.submissions.reading.entries import Defaults
from catalyst_assets.validation.submissions.reading.problems import Problem, RefusedFileError
from catalyst_assets.validation.submissions.submitting import ResultFile, submit_file
from catalyst_assets.vocabulary.known import label_of
from dash_app.api.access import Person
from dash_app.api.ledger import read_held
from dash_app.api.problems import InvalidBodyError, json_pointer
from dash_app.contract import FieldError, Held
from dash_app.result_contract import NewResult, Recorded
from resources.platform import Platform
from resources.postgres.database import Role

_LISTED: Final = 1000
_ENTRY: Final = re.compile(r"entry (\d+)")


@dataclass(frozen=True)
class Said:
    """Results as they were sent.

    Attributes
    ----------
    kind
        One result, a list, or a file: how places in it are called.
    """

    name: str
    data: bytes
    defaults: Defaults
    kind: str

    @classmethod
    def of_rows(cls, rows: Sequence[NewResult], *, is_list: bool) -> "Said":
        """Return rows of a request; what they leave out is left out."""
        given = [row.model_dump(exclude_defaults=True, mode="json") for row in rows]
        return cls("request", orjson.dumps(given), Defaults(), "list" if is_list else "one")

    @classmethod
    def of_file(cls, name: str, data: bytes, defaults: Mapping[str, Any]) -> "Said":
        """Return a file, with what was said once for all of its rows."""
        return cls(name, data, Defaults(**defaults), "file")


def record(platform: Platform, said: Said, person: Person, *, preview: bool) -> Recorded:
    """Record results, or say what that would do.

    Raises
    ------
    InvalidBodyError
        Names every result that cannot be taken; nothing was recorded.
    """
    try:
        outcome = submit_file(
            platform,
            ResultFile(said.name, said.data),
            by=person.name,
            channel=person.channel,
            defaults=said.defaults,
            dry_run=preview,
            role=Role.APP,
        )
    except RefusedFileError as error:
        raise _refused(platform, said, error) from None
    return _recorded(outcome)


def _recorded(outcome: Outcome) -> Recorded:
    done = "preview" if outcome.is_dry_run else "unchanged" if outcome.changes_nothing else "recorded"
    told = outcome.to_json()
    for row in told["rows"]:
        row["label_of"] = label_of(row["property"]) if row["property"] else ""
    return Recorded.model_validate({**told, "outcome": done, "summary": list(outcome.lines())}, strict=False)


def _refused(platform: Platform, said: Said, error: RefusedFileError) -> InvalidBodyError:
    shown = error.problems[:_LISTED]
    numbers = [problem.held for problem in shown if problem.held is not None]
    held: dict[int, Held] = {}
    if numbers:
        with platform.database.transaction(Role.APP) as connection:
            held = read_held(connection, numbers)
    errors = [_field_error(said, problem, held) for problem in shown]
    is_conflict = all(problem.held is not None for problem in error.problems)
    how_many = "one problem" if error.count == 1 else f"{error.count:,} problems"
    what = said.name if said.kind == "file" else "What was sent"
    others = "One other result is" if error.sound == 1 else f"{error.sound:,} other results are"
    sound = f" {others} in order." if error.sound and said.kind != "one" else ""
    return InvalidBodyError(
        f"{what} is refused because of {how_many}; nothing of it was recorded. {_sentence(errors[0])}{sound}",
        shown[0].remedy if error.count == 1 else "Correct what is listed and send it again.",
        errors,
        HTTPStatus.CONFLICT if is_conflict else HTTPStatus.UNPROCESSABLE_ENTITY,
    )


def _field_error(said: Said, problem: Problem, held: Mapping[int, Held]) -> FieldError:
    message = f"{problem.found} {problem.reason}".strip()
    known = held.get(problem.held) if problem.held is not None else None
    entry = None if said.kind == "file" else _ENTRY.fullmatch(problem.place)
    if entry is None:
        return FieldError(
            field=problem.column, message=message, place=problem.place, remedy=problem.remedy, held=known
        )
    index = int(entry[1]) - 1
    location: list[int | str] = [
        *([index] if said.kind == "list" else []),
        *([problem.column] if problem.column else []),
    ]
    return FieldError(
        field=problem.column,
        message=message,
        pointer=json_pointer(location),
        index=index,
        remedy=problem.remedy,
        held=known,
    )


def _sentence(error: FieldError) -> str:
    place = error.place or (f"result {error.index}" if error.index is not None else "")
    where = ", ".join(part for part in (place, error.field) if part)
    text = f"{where}: {error.message}" if where else error.message
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
