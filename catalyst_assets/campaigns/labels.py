"""Labels: the set an iteration learns from, what makes one unfit, and the hash by which stages know the set again.

Membership is decided when an iteration opens (``loop``) and lies in ``iteration_labels``; nothing here
adds to it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from catalyst_assets.vocabulary.known import known_properties
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
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
        Partition key of the earlier iteration whose validation answered; empty for those a source computed.
    """

    property: str
    method: str
    results_of: str
    labels: int


@dataclass(frozen=True)
class LabelOrigin:
    """What the labels of an iteration were made from."""

    partition_key: str
    sha256: str
    labels: int
    parts: tuple[LabelPart, ...]


def load_origins(database: "Database", partition_keys: Iterable[str] | None = None) -> list[LabelOrigin]:
    """Return what the labels of iterations were made from, of all of them if none is named."""
    keys = None if partition_keys is None else list(partition_keys)
    with database.transaction() as connection:
        rows = fetch_all(connection, "loop/label_origins", partition_keys=keys)
    return [
        LabelOrigin(
            key,
            first["label_sha256"],
            first["label_count"],
            tuple(
                LabelPart(row["property"], row["method"], row["results_of"] or "", row["labels"])
                for row in (first, *others)
                if row["labels"]
            ),
        )
        for key, (first, *others) in groupby(rows, key=itemgetter("partition_key"))
    ]
