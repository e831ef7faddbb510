"""What the Materials Project has, without the documents: one file a database version, from its pages as received.

By it a refresh knows what changed since the last one, and the load what was removed or deprecated.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.materials_project.ids import identify_material, read_stamp
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.records import Contents, Record, Rejection, Scope

INDEX_FIELDS: Final = ("material_id", "last_updated", "deprecated")


class IndexParser:
    """Tells which materials stand; it gives no record."""

    kind: Final = "mp_index"
    is_snapshot = False
    is_index = True

    def survey(self, raw: RawFile, file: BinaryIO) -> Contents:
        """Return the names of all materials that stand.

        Raises
        ------
        SourceError
            The bytes are no index.
        """
        scope = Scope(**{name: tuple(value) for name, value in raw.request["parameters"]["scope"].items()})
        return Contents(0, standing=frozenset(read_index(file.read())), scope=scope)

    def parse(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Record | Rejection]:
        """Yield nothing."""
        return iter(())


def write_index(db_version: str, pages: Sequence[bytes]) -> bytes:
    """Return the file of an index: the pages stay as they were received."""
    return b'{"db_version": %s, "pages": [%s]}' % (json.dumps(db_version).encode(), b",".join(pages))


def read_index(data: bytes) -> dict[str, str | None]:
    """Return the materials that stand, each with the moment of its last change.

    Entries without a readable name are not among them: nothing could be asked for by it.

    Raises
    ------
    SourceError
        The bytes are no index.
    """
    try:
        entries = [entry for page in json.loads(data)["pages"] for entry in page["data"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SourceError("The cached index of materials cannot be read.", "Refresh the source.") from None
    return {
        name: read_stamp(entry.get("last_updated"))
        for entry in entries
        if (name := identify_material(entry)) and entry.get("deprecated") is not True
    }


def require_whole(pages: Sequence[bytes]) -> None:
    """Make sure that the pages of one question hold all that the server counts: what is absent is retired.

    Raises
    ------
    SourceError
        They do not.
    """
    decoded: list[Any] = [json.loads(page) for page in pages]
    counts = {json.dumps((page.get("meta") or {}).get("total_doc")) for page in decoded}
    names = {str(entry.get("material_id")) for page in decoded for entry in page["data"]}
    if counts != {str(len(names))}:
        raise SourceError(
            f"The index of materials has {len(names)} entries, but the server counts {', '.join(sorted(counts))}.",
            "Try again later: the database may be in the middle of an update.",
            is_transient=True,
        )
