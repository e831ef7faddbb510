"""Finding a page of candidates among a million: filters, order and where the page before ended, as keys of one query."""

from dataclasses import dataclass
from typing import Any, Final

import orjson
import sqlalchemy as sa

from catalyst_assets.campaigns.rejections import KINDS_WITHOUT_LABELS
from catalyst_assets.errors import UsageError
from catalyst_assets.validation.submissions.reading.formulas import read_formula
from catalyst_assets.validation.submissions.reading.quantities import UnreadableCellError
from catalyst_assets.vocabulary.known import known_properties
from dash_app.api.materials.answers import StoredAnswers
from dash_app.api.materials.cursor import Position, read_cursor, write_cursor
from dash_app.candidate_contract import (
    MOST_FILTERED,
    MOST_RANGES,
    MOST_SKIPPED,
    CandidateFilters,
    CandidateOrder,
    CandidateQuery,
    Range,
    read_range,
)
from resources.postgres.database import Row, fetch_all

_MEAN, _STD = -1, 0
# Every candidate has these, so that none comes after those that do.
_ALWAYS_KNOWN: Final = frozenset({"rank", "iteration", "acquisition", "updated_at", "formula", "status"})
_NO_SLOT: Final = 0


@dataclass(frozen=True)
class Listed:
    """The keys of a page.

    Attributes
    ----------
    next
        Cursor of the next page; None on the last one.
    """

    candidate_ids: list[int]
    total: int
    total_is_exact: bool
    next: str | None


def list_page(connection: sa.Connection, query: CandidateQuery, answers: StoredAnswers) -> Listed:
    """Return the keys of the page that is asked for.

    Raises
    ------
    UsageError
        The cursor is of another query, or a filter cannot be read.
    """
    after = None if query.cursor is None else read_cursor(query.cursor, query)
    if after is not None and query.offset:
        raise UsageError("A page begins behind a cursor or an offset.", "Leave one of the two out.")
    return _Reading(connection, query, answers).page(query.limit, query.offset, after)


class _Reading:
    """One query, with what it needs to know of the database."""

    def __init__(self, connection: sa.Connection, query: CandidateOrder, answers: StoredAnswers) -> None:
        self._connection = connection
        self._answers = answers
        self._query = query
        self._slots = {row["property"]: row["slot"] for row in fetch_all(connection, "app/candidates/slots")}
        key, _, name = query.sort.removeprefix("-").partition(".")
        if name and name not in known_properties():
            raise unknown_property(name)
        self._order = {
            "sort": "value" if key in ("predicted", "uncertainty") else key,
            "slot": self._slot(name, _STD if key == "uncertainty" else _MEAN),
            "measured": None,
            "descending": query.sort.startswith("-"),
        }
        self._gave_few = self._find_few(query.source)
        if query.sort == "-iteration":
            # The newest first, then by rank: as places are numbered.
            self._order |= {"sort": "place", "descending": False}
        self._has_unknown = key not in _ALWAYS_KNOWN
        self._filters = self._as_parameters(query)
        self._is_simple = _is_simple(query)
        self._measured: dict[int, float] | None = None
        if key == "validated":
            self._measured = answers.measured(connection, query.campaign, name)
            self._order["measured"] = orjson.dumps(self._measured, option=orjson.OPT_NON_STR_KEYS).decode()

    def page(self, limit: int, offset: int, after: Position | None) -> Listed:
        """Return the keys of a page; one candidate more than asked for tells whether another page follows."""
        rows: list[Row] = []
        total = None if after is None else after.total
        if total is None and self._is_simple:
            total = self._kept_count()
        elif total is None and self._measured is not None:
            total = self._count()
        if after is None or after.known:
            rows, total = self._read(True, limit + 1, offset, after, total)
        total = total or 0
        if self._has_unknown and len(rows) <= limit:
            skipped = offset and max(0, offset - self._count_known(total)) if not rows else 0
            behind = after if after is not None and not after.known else None
            more, _ = self._read(False, limit + 1 - len(rows), skipped, behind, total)
            rows += [row | {"unknown": True} for row in more]
        shown = rows[:limit]
        following = None
        if len(rows) > limit:
            last = shown[-1]
            known = not last.get("unknown")
            position = Position(
                known, last["number"], last["word"], last["place"], last["candidate_id"], total
            )
            following = write_cursor(position, self._query)
        is_exact = self._is_simple or total < MOST_FILTERED
        return Listed([row["candidate_id"] for row in shown], total, is_exact, following)

    def _read(
        self, known: bool, limit: int, offset: int, after: Position | None, total: int | None
    ) -> tuple[list[Row], int]:
        """Return candidates in order, and how many pass the filters, counted up to a limit where that is not known."""
        order, filters = self._order, self._filters
        is_few = total is None or total < MOST_FILTERED
        few = MOST_FILTERED
        if self._measured is not None:
            filters = self._split_by_measured(known)
            order = order if known else order | {"sort": "none"}
            if known:
                # Not more than were measured.
                is_few, few = True, len(self._measured)
        elif not known:
            # Among those without a value places alone decide.
            order = order | {"descending": False}
        parameters = {
            **order,
            **filters,
            "known": known,
            "continued": after is not None,
            "after_number": after and after.number,
            "after_word": after and after.word,
            "after_place": after and after.place,
            "after_id": after and after.candidate_id,
            "limit": limit,
            "offset": offset,
            "few": few,
        }
        if is_few:
            # Few are sorted; of many, those of the page are looked up in an index.
            rows = fetch_all(self._connection, "app/candidates/page", **parameters, ordered=False)
            counted = rows[0]["total"]
            if total is None:
                total = min(counted, MOST_FILTERED)
            if counted <= few:
                return [row for row in rows if row["candidate_id"] is not None], total
        rows = fetch_all(self._connection, "app/candidates/page", **parameters, ordered=True)
        return [row for row in rows if row["candidate_id"] is not None], total or 0

    def _split_by_measured(self, known: bool) -> dict[str, Any]:
        measured = self._measured or {}
        if not known:
            return self._filters | {"without": list(measured)}
        among = self._filters["among"]
        kept = list(measured) if among is None else [each for each in among if each in measured]
        return self._filters | {"among": kept}

    def _count(self) -> int:
        (row, *_) = fetch_all(
            self._connection, "app/candidates/page", **(self._order | {"sort": "none", "measured": None}),
            **self._filters, **_NOWHERE, known=False, limit=0, offset=0, few=MOST_FILTERED, ordered=False,
        )  # fmt: skip
        return min(int(row["total"]), MOST_FILTERED)

    def _kept_count(self) -> int:
        names = ("campaign", "iteration", "statuses")
        rows = fetch_all(
            self._connection, "app/candidates/counts", **{name: self._filters[name] for name in names}
        )
        return sum(row["n"] for row in rows)

    def _count_known(self, total: int) -> int:
        """Return how many have what is sorted by, up to those that can be skipped."""
        return len(self._read(True, MOST_SKIPPED, 0, None, total)[0])

    def _slot(self, name: str, part: int) -> int:
        return 2 * self._slots[name] + part if name in self._slots else _NO_SLOT

    def _as_parameters(self, query: CandidateFilters) -> dict[str, Any]:
        ranges = [self._value_range(text, _MEAN) for text in query.predicted or ()]
        ranges += [self._value_range(text, _STD) for text in query.uncertainty or ()]
        if len(ranges) > MOST_RANGES:
            raise UsageError(
                f"{len(ranges)} ranges of predictions are asked for, and {MOST_RANGES} are the most.",
                "Leave some out.",
            )
        ranges += [(_NO_SLOT, None, None)] * (MOST_RANGES - len(ranges))
        parameters: dict[str, Any] = {
            "campaign": query.campaign,
            "iteration": query.iteration,
            "statuses": query.status and [each.value for each in query.status],
            "rejection_kinds": query.rejection_kind and [each.value for each in query.rejection_kind],
            "formula": query.formula and _reduced(query.formula),
            "updated_since": query.updated_since and query.updated_since.timestamp(),
            "elements": query.elements,
            "excluded": query.exclude_elements,
            "only": query.only_elements,
            "source": query.source if self._gave_few is None else None,
            "among": self._among(query),
            "without": None,
            "unjudged": None if query.hit is None else list(KINDS_WITHOUT_LABELS),
        }
        for name in ("rank", "acquisition", "feasibility"):
            bounds = _plain(getattr(query, name))
            parameters |= {f"{name}_min": bounds.min, f"{name}_max": bounds.max}
        for number, (slot, low, high) in enumerate(ranges, 1):
            parameters |= {f"slot_{number}": slot, f"min_{number}": low, f"max_{number}": high}
        return parameters

    def _find_few(self, source: str | None) -> set[int] | None:
        """Return the candidates of a source that gave few; None where there are many, or all sources are meant."""
        if source is None:
            return None
        rows = fetch_all(
            self._connection,
            "app/candidates/of_source",
            source=source.replace("\0", "\ufffd"),
            limit=MOST_FILTERED,
        )
        return {row["candidate_id"] for row in rows} if len(rows) < MOST_FILTERED else None

    def _value_range(self, text: str, part: int) -> tuple[int, float | None, float | None]:
        asked = read_range(text)
        if asked.property not in known_properties():
            raise unknown_property(asked.property)
        return self._slot(asked.property, part), asked.min, asked.max

    def _among(self, query: CandidateFilters) -> list[int] | None:
        """Return the candidates that pass what only results or materials tell; None where nothing is asked of them."""
        chosen: list[set[int]] = []
        if query.material is not None:
            rows = fetch_all(
                self._connection, "app/candidates/of_material", material_id=query.material.replace("\0", "")
            )
            chosen.append({row["candidate_id"] for row in rows})
        if query.candidates is not None:
            chosen.append(set(query.candidates))
        if self._gave_few is not None:
            chosen.append(self._gave_few)
        for text in query.validated or ():
            asked = read_range(text)
            if asked.property not in known_properties():
                raise unknown_property(asked.property)
            measured = self._answers.measured(self._connection, query.campaign, asked.property)
            chosen.append({number for number, value in measured.items() if _within(value, asked)})
        if query.hit is not None:
            judged = self._answers.judged(self._connection, query.campaign)
            chosen.append({number for number, hit in judged.items() if hit is query.hit})
        return sorted(set.intersection(*chosen)) if chosen else None


_NOWHERE: Final = {
    "continued": False,
    "after_number": None,
    "after_word": None,
    "after_place": None,
    "after_id": None,
}


def _is_simple(query: CandidateFilters) -> bool:
    """Tell whether an index counts what passes the filters."""
    asked = query.model_dump(include=set(CandidateFilters.model_fields), exclude_none=True)
    return not asked.keys() - {"campaign", "iteration", "status"}


def _plain(text: str | None) -> Range:
    return Range("", None, None) if text is None else read_range(text)


def _within(value: float, asked: Range) -> bool:
    return (asked.min is None or value >= asked.min) and (asked.max is None or value <= asked.max)


def _reduced(formula: str) -> str:
    try:
        return read_formula(formula)
    except UnreadableCellError as error:
        raise UsageError(f"{formula[:80]!r} {error.reason}.", error.remedy) from None


def unknown_property(name: str) -> UsageError:
    """Return the error of a property that nobody knows."""
    return UsageError(
        f"No property is called {name}.", "`catalyst campaign properties` lists those that are."
    )
