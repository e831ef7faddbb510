"""Sources as ingestion leaves them in the database: files, records, what was set aside."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from resources.postgres.database import Database, Role, copy_rows


def add_file(
    database: Database, source: str, url: str, status: str = "parsed", note: str = "", **request: Any
) -> None:
    """Note a raw file; the last one of an address is the one that counts."""
    with database.transaction(Role.PIPELINE) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO raw_files (source, url, request, sha256, size_bytes, licence, parse_status, parse_note, row_count,"
                " fetched_at) SELECT :source, :url, CAST(:request AS jsonb), lpad(to_hex(count(*)), 64, '0'), 14600, 'CC-BY-4.0',"
                " :status, :note, 3, clock_timestamp() FROM raw_files"
            ),
            {
                "source": source,
                "url": url,
                "request": json.dumps({"slot": url} | request),
                "status": status,
                "note": note,
            },
        )


def set_aside(
    database: Database, source: str, reasons: Sequence[str], payload: dict[str, Any] | None = None
) -> None:
    """Set a record aside for each reason, in their order."""
    with database.transaction(Role.PIPELINE) as connection:
        copy_rows(
            connection,
            "quarantine",
            ["source", "record", "raw_sha256", "reason", "payload"],
            (
                (source, f"row {place}", "0" * 64, reason, payload or {})
                for place, reason in enumerate(reasons)
            ),
        )


def add_records(database: Database, source: str, materials: Sequence[str]) -> None:
    """Say that a source knows some materials, each under its own name and under a second one."""
    with database.transaction(Role.PIPELINE) as connection:
        copy_rows(
            connection,
            "material_sources",
            ["source", "source_id", "material_id", "raw_sha256", "licence", "retrieved_at"],
            (
                (source, f"{name}{again}", name, "0" * 64, "CC-BY-4.0", "2026-03-31T00:00:00Z")
                for name in materials
                for again in ("", "-again")
            ),
        )
