"""Labels: the set an iteration learns from, what makes one unfit, and the hash by which stages know the set again.

Membership is decided when an iteration opens (``loop``) and lies in ``iteration_labels``; nothing here
adds to it. What a label was made of may be corrected or retracted later: then it stays, and is marked.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from catalyst_assets.vocabulary.known import known_properties, unit_of
from resources.postgres.database import fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.postgres.database import Database


def hash_labels(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the sha256 of a set of labels, whatever the order of its rows.

    Parameters
    ----------
    rows
        Each with ``material_id``, ``property``, ``method``, ``value`` (all 64 bits count), ``origin`` and, where it is
        known, ``standard_deviation``, which counts too.
    """

    def parts(row: Mapping[str, Any]) -> list[str]:
        known = [row["material_id"], row["property"], row["method"], repr(float(row["value"])), row["origin"]]
        noise = row.get("standard_deviation")
        return known if noise is None else [*known, repr(float(noise))]

    lines = sorted(json.dumps(parts(row)) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def find_unfit_values(rows: Iterable[Mapping[str, Any]], method: str) -> list[str]:
    """Ask of each value whether its method, unit and range are right; return what is not as sentences.

    Parameters
    ----------
    rows
        Each with ``material_id``, ``property`` (None where a whole attempt failed), ``method``, ``value`` (None where a
        measurement failed) and, where it is recorded, ``unit``.
    method
        The campaign's.
    """
    problems, properties = [], known_properties()
    for row in rows:
        name = f"{row['property'] or 'The attempt'} of {row['material_id']}"
        known = properties.get(row["property"] or "")
        if row["method"] != method:
            problems.append(f"{name} is by {row['method']}, the campaign's method is {method}.")
        if row["property"] is None:
            continue
        if known is None:
            problems.append(f"{name} is no known property.")
            continue
        if (row.get("unit") or known.unit) != known.unit:
            problems.append(f"{name} is in {row['unit']}, not {known.unit}.")
        if row["value"] is not None and not known.admits(row["value"]):
            problems.append(f"{name} is {row['value']:g} {known.unit}, outside {known.range_text}.")
    return problems


@dataclass(frozen=True)
class LabelPart:
    """Labels of one property that have one origin.

    Attributes
    ----------
    results_of
        Partition key of the earlier iteration whose validation answered; empty for those a source computed, and for
        results that nobody's iteration asked for.
    validated
        Whether they are results.
    """

    property: str
    method: str
    results_of: str
    labels: int
    validated: bool = False


@dataclass(frozen=True)
class SupersededLabel:
    """A frozen label, one of whose results was corrected or retracted since.

    Attributes
    ----------
    learned
        The value that was frozen.
    result_id, superseded_by
        The result that it was made of, and the last that corrects or retracts it.
    outcome
        Of that last one: measured, failed or retracted.
    value
        What was measured instead; None where nothing was.
    reason, submitted_by, at
        Why, by whom and when.
    version
        The registered version that had learned from it and predicted for the iteration; None where the iteration
        itself was opened with it.
    """

    partition_key: str
    material_id: str
    formula: str
    property: str
    learned: float
    result_id: int
    superseded_by: int
    outcome: str
    value: float | None
    reason: str
    submitted_by: str
    at: datetime
    version: int | None = None

    def change(self) -> str:
        """Return whether it was corrected or retracted."""
        return "retracted" if self.outcome == "retracted" else "corrected"

    def __str__(self) -> str:
        unit = unit_of(self.property)
        measure = f" {unit}" if unit else ""
        became = f" to {self.value:g}{measure}" if self.value is not None else ""
        return (
            f"{self.property} of {self.formula} ({self.material_id}), learned as {self.learned:g}{measure}, was "
            f"{self.change()}{became} on {self.at:%Y-%m-%d} by {self.submitted_by}: {self.reason}"
        )


def count_superseded(superseded: Iterable[SupersededLabel]) -> int:
    """Return how many labels that are: one may be the mean of several results."""
    return len({(label.material_id, label.property) for label in superseded})


def learned_from(superseded: Iterable[SupersededLabel]) -> tuple[SupersededLabel, ...]:
    """Return those that the iteration's own model learned from, not those of a version that predicted for it."""
    return tuple(label for label in superseded if label.version is None)


def load_superseded(
    connection: "sa.Connection", campaign: str | None = None, partition_keys: Iterable[str] | None = None
) -> dict[str, tuple[SupersededLabel, ...]]:
    """Return by iteration the labels that its model or its ranking was made from and that were superseded since.

    Parameters
    ----------
    campaign, partition_keys
        Of these iterations; of all where neither is given. Iterations without any are left out.
    """
    keys = None if partition_keys is None else list(partition_keys)
    if not (fetch_one(connection, "campaigns/any_superseded") or {})["any_is"]:
        return {}
    rows = fetch_all(connection, "campaigns/superseded_labels", campaign=campaign, partition_keys=keys)
    found = [SupersededLabel(**row) for row in rows]
    return {key: tuple(labels) for key, labels in groupby(found, key=attrgetter("partition_key"))}


@dataclass(frozen=True)
class LabelOrigin:
    """What the labels of an iteration were made from."""

    partition_key: str
    sha256: str
    labels: int
    parts: tuple[LabelPart, ...]
    superseded: tuple[SupersededLabel, ...] = ()

    @property
    def version(self) -> str:
        """The hash of the frozen set; of it and of what superseded labels of it since, where any did."""
        by = sorted({label.superseded_by for label in self.superseded})
        return hashlib.sha256(f"{self.sha256} {by}".encode()).hexdigest() if by else self.sha256


def load_origins(database: "Database", partition_keys: Iterable[str] | None = None) -> list[LabelOrigin]:
    """Return what the labels of iterations were made from, of all of them if none is named."""
    keys = None if partition_keys is None else list(partition_keys)
    with database.transaction() as connection:
        rows = fetch_all(connection, "loop/label_origins", partition_keys=keys)
        superseded = load_superseded(connection, partition_keys=keys)
    return [
        LabelOrigin(
            key,
            first["label_sha256"],
            first["label_count"],
            tuple(
                LabelPart(
                    row["property"],
                    row["method"],
                    row["results_of"] or "",
                    row["labels"],
                    row["origin"] == "validated",
                )
                for row in (first, *others)
                if row["labels"]
            ),
            learned_from(superseded.get(key, ())),
        )
        for key, (first, *others) in groupby(rows, key=itemgetter("partition_key"))
    ]
