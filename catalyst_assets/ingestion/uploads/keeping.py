"""The table `uploads`: what was uploaded by whom, and how far it is."""

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.raw_cache import is_whole, raw_key
from catalyst_assets.ingestion.uploads.bundle import MOST_FILES, Bundle
from resources.postgres.database import Row, execute, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.object_store import ObjectStore


def check_bundle(bundle: Bundle) -> None:
    """Refuse what is nothing to keep.

    Raises
    ------
    UsageError
        There is no file, or there are too many.
    """
    if not bundle.files:
        raise UsageError("Nothing is uploaded.", "Send at least one file, or formulas.")
    if len(bundle.files) > MOST_FILES:
        raise UsageError(
            f"{len(bundle.files):,} files are uploaded, and {MOST_FILES:,} are the most.",
            "Send them in several uploads.",
        )
    if not bundle.size_bytes:
        raise UsageError("Every file is empty.", "Send files that hold something.")


def keep_upload(connection: "sa.Connection", objects: "ObjectStore", bundle: Bundle) -> tuple[int, bool]:
    """Keep an upload, its bytes first; the same files of the same author are kept once.

    One whose raw file was dropped since waits to be taken again.

    Returns
    -------
    upload_id, is_new
        Its number, and whether it waits because of this call.
    """
    data = bundle.pack()
    sha256 = hashlib.sha256(data).hexdigest()
    if not is_whole(objects, sha256):
        objects.put_bytes(raw_key(sha256), data)
    row = fetch_one(
        connection,
        "ingestion/uploads/keep",
        sha256=sha256,
        author=bundle.author,
        prototype=bundle.prototype,
        files=json.dumps([{"name": file.name, "size_bytes": len(file.data)} for file in bundle.files]),
        size_bytes=bundle.size_bytes,
    )
    row = row or fetch_one(connection, "ingestion/uploads/take_again", sha256=sha256)
    if row is not None:
        return row["upload_id"], True
    known = fetch_one(connection, "ingestion/uploads/by_sha256", sha256=sha256) or {}
    return known["upload_id"], False


def find_waiting(connection: "sa.Connection") -> list[int]:
    """Return the uploads that ingestion has not taken, or is to read again, by their numbers."""
    return [row["upload_id"] for row in fetch_all(connection, "ingestion/uploads/waiting")]


def find_uploads(connection: "sa.Connection", upload_ids: Sequence[int]) -> list[Row]:
    """Return uploads in the order of their numbers: number and hash."""
    return fetch_all(connection, "ingestion/uploads/some", upload_ids=list(upload_ids))


def note_places(
    connection: "sa.Connection", upload_id: int, places: Sequence[str] = (), problem: str = ""
) -> None:
    """Note where the candidates of an upload stand, that ingestion has now; or why it has not."""
    execute(
        connection, "ingestion/uploads/note_places", upload_id=upload_id, places=list(places), problem=problem
    )


def name_candidate(upload_id: int, number: int) -> str:
    """Return what a candidate of an upload is called within the source, by its place from 0."""
    return f"{upload_id:06d}-{number + 1:04d}"
