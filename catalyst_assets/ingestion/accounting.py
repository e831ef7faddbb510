"""Whether what was received, what was loaded and what was refused add up.

Judged from the database and the raw cache, by what was counted before anything was parsed and not by what the load
reported.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from catalyst_assets.errors import CatalystError
from catalyst_assets.ingestion.adsorption.records import AdsorptionParser, split_name
from catalyst_assets.ingestion.changes import EVERYTHING, Reader, Span, mark_read, unread
from catalyst_assets.ingestion.raw_cache import RawFile, current_files, open_raw
from catalyst_assets.ingestion.reading.compositions import read_composition
from catalyst_assets.ingestion.reading.crystals import hash_structure
from catalyst_assets.ingestion.records import Contents
from catalyst_assets.ingestion.sources.parsers import PARSERS
from catalyst_assets.vocabulary.known import known_methods, known_properties
from resources.postgres.database import Role, fetch_all

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database

_REHASHED = 200
_CHECKED_AT_ONCE = 2000
_MOST_PROBLEMS = 100


@dataclass(frozen=True)
class Account:
    """The rows of one raw file; ``problem`` is empty when they add up."""

    rows: int
    loaded: int
    quarantined: int
    problem: str


def account_for_rows(database: "Database", objects: "ObjectStore") -> list[Account]:
    """Compare the rows of every current raw file that was parsed with what became of them."""
    with database.transaction() as connection:
        counts = {row.pop("raw_file_id"): row for row in fetch_all(connection, "ingestion/rows_by_file")}
    return [
        _account(database, objects, raw, counts[raw.raw_file_id])
        for raw in current_files(database)
        if raw.parse_status == "parsed" and raw.raw_file_id in counts
    ]


def find_unloaded(database: "Database") -> list[str]:
    """Return one line for each current raw file that cannot be read, or that nobody has parsed yet."""
    return [
        f"{raw.source} ({raw.url}): {raw.parse_note or 'it is still to be parsed: materialize `materials`'}"
        for raw in current_files(database)
        if raw.parse_status != "parsed"
    ]


def check_properties(database: "Database") -> list[str]:
    """Return what :func:`find_bad_properties` does of materials that changed since none was found.

    Where another property or method is known than then, of all.
    """
    known = json.dumps([_limits(), list(known_methods())], sort_keys=True)
    context = hashlib.sha256(known.encode()).hexdigest()
    return _check_changed(database, Reader.CHECKED_PROPERTIES, find_bad_properties, context)


def check_hashes(database: "Database") -> list[str]:
    """Return what :func:`find_inconsistent_hashes` does of materials that changed since none was found."""
    return _check_changed(database, Reader.CHECKED_HASHES, find_inconsistent_hashes)


def find_bad_properties(database: "Database", span: Span = EVERYTHING) -> list[str]:
    """Return one line for each property entry that is not as it is declared, of the first materials that have such."""
    declared, methods = known_properties(), known_methods()
    limits = json.dumps(_limits())
    rows: list[dict[str, Any]] = []
    with database.transaction() as connection:
        wanted = fetch_all(connection, "ingestion/materials_to_check", **asdict(span))
        names = [row["material_id"] for row in wanted]
        for start in range(0, len(names), _CHECKED_AT_ONCE):
            rows += fetch_all(
                connection,
                "ingestion/bad_properties",
                material_ids=names[start : start + _CHECKED_AT_ONCE],
                properties=limits,
                methods=list(methods),
            )
            if len(rows) >= _MOST_PROBLEMS:
                break

    def why(name: str, entry: str) -> str:
        held, stored = declared.get(name), json.loads(entry)
        if held is None:
            return "the property is not declared"
        if not isinstance(stored, dict) or stored.get("unit") != held.unit:
            return f"the property is declared in {held.unit}"
        if stored.get("method") not in methods:
            return "the method is not declared"
        return f"it is to have a source, and a number within {held.range_text}"

    return [
        f"{row['material_id']}, {row['property']}: {row['entry']} is not valid: {why(row['property'], row['entry'])}"
        for row in rows
    ]


def find_inconsistent_hashes(database: "Database", span: Span = EVERYTHING) -> list[str]:
    """Return one line for each structure hash that is shared by different crystals or is not the structure's.

    All hashes are compared with formulas and sites; a spread of structures is hashed again.
    """
    with database.transaction() as connection:
        shared = fetch_all(connection, "ingestion/inconsistent_hashes", **asdict(span))
        sample = fetch_all(connection, "ingestion/sample_structures", limit=_REHASHED, **asdict(span))
    problems = [f"{row['structure_hash']} is shared by {', '.join(row['formulas'])}" for row in shared]
    problems += [
        f"{row['material_id']} has another structure than its hash says"
        for row in sample
        if _hash(row) != row["structure_hash"]
    ]
    return problems


def _hash(row: Mapping[str, Any]) -> str:
    """Return the hash that a material's structure, or its composition alone, has."""
    from pymatgen.core.structure import Structure

    if row["structure_json"] is None:
        return read_composition(row["reduced_formula"]).hash
    return hash_structure(Structure.from_dict(row["structure_json"]))


def _check_changed(
    database: "Database",
    reader: Reader,
    find: "Callable[[Database, Span], list[str]]",
    context: str = "",
) -> list[str]:
    span = unread(database, reader, context)
    problems = find(database, span)
    if not problems:
        mark_read(database, reader, span.until, context)
    return problems


def _limits() -> dict[str, dict[str, str | float | None]]:
    return {
        name: dict(zip(("unit", "low", "high"), (each.unit, *each.range_json), strict=True))
        for name, each in known_properties().items()
    }


def _account(
    database: "Database", objects: "ObjectStore", raw: RawFile, counted: Mapping[str, int]
) -> Account:
    name = f"{raw.source} ({raw.url})"
    rows = raw.row_count
    if rows is None or counted["loaded"] + counted["quarantined"] != rows:
        # Later files may have said some of its rows anew: look at each.
        try:
            with open_raw(objects, raw.sha256) as file:
                contents = PARSERS[raw.kind].survey(raw, file)
        except CatalystError as error:
            return Account(0, 0, 0, f"{name} cannot be counted again: {error}")
        rows, counted = contents.accountable, _count_by_name(database, raw, contents)
    loaded, quarantined = counted["loaded"], counted["quarantined"]
    if loaded + quarantined != rows:
        problem = f"{name} has {rows} rows, but {loaded} are loaded and {quarantined} quarantined"
    else:
        problem = _unanswered(database, raw, name)
    return Account(rows, loaded, quarantined, problem)


def _count_by_name(database: "Database", raw: RawFile, contents: Contents) -> Mapping[str, int]:
    origin = {"source": raw.source, "raw_sha256": raw.sha256}
    with database.transaction() as connection:
        parser = PARSERS[raw.kind]
        query = "ingestion/count_rows"
        named: dict[str, Any] = {}
        if contents.names or isinstance(parser, AdsorptionParser):
            query = "ingestion/count_named"
            states = [split_name(record) for _, record in contents.names]
            named = {
                "kind": parser.gives if isinstance(parser, AdsorptionParser) else "materials",
                "places": [place for place, _ in contents.names],
                "records": [record for record, _ in states],
                "frames": [frame for _, frame in states],
            }
        (counted,) = fetch_all(connection, query, retrieved_at=raw.fetched_at, **named, **origin)
    return counted


def _unanswered(database: "Database", raw: RawFile, name: str) -> str:
    if not raw.answers:
        return ""
    with database.transaction(Role.VALIDATOR) as connection:
        missing = fetch_all(
            connection,
            "ingestion/materials_without_answers",
            source=raw.source,
            raw_sha256=raw.sha256,
            retrieved_at=raw.fetched_at,
        )
    names = ", ".join(row["material_id"] for row in missing[:3])
    return f"{name} has no answer for {names}" if missing else ""
