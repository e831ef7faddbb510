"""What every source looks like from outside, and which parser reads what it gave.

A source lists what is new and fetches it; a parser turns cached bytes into records. Neither knows the other:
parsing again touches no network.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

from catalyst_assets.ingestion.adsorption.records import AdsorptionRecord
from catalyst_assets.ingestion.aflow.entries import AflowParser
from catalyst_assets.ingestion.materials_project.documents import SummaryParser
from catalyst_assets.ingestion.materials_project.index import IndexParser
from catalyst_assets.ingestion.materials_project.table_files import SummaryTableParser
from catalyst_assets.ingestion.oc20.label_tables import EnergyTableParser
from catalyst_assets.ingestion.oc20.lmdb_files import AseLmdbParser, PickledLmdbParser
from catalyst_assets.ingestion.oc20.mapping import MappingParser, PickledMappingParser
from catalyst_assets.ingestion.oc20.relaxations import RelaxationParser
from catalyst_assets.ingestion.oc20.s2ef import S2efParser
from catalyst_assets.ingestion.optimade.entries import OptimadeParser
from catalyst_assets.ingestion.progress import report
from catalyst_assets.ingestion.prototypes.source import EnumerationParser
from catalyst_assets.ingestion.raw_cache import RawFile, RawRequest, current_files, store_raw
from catalyst_assets.ingestion.records import Contents, Record, Rejection
from catalyst_assets.ingestion.reference_tables.source import TableParser

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database


class Source(Protocol):
    """Where materials come from: one implementation a module.

    Attributes
    ----------
    memory
        JSON values to remember with the file fetched last, for a source that is read in increments.
    """

    @property
    def memory(self) -> Mapping[str, Any] | None:
        """Return None for a source that is read whole."""
        ...

    def list_new(self) -> Iterable[RawRequest]:
        """Yield what the source has that may not be in the raw cache yet."""
        ...

    def fetch(self, request: RawRequest) -> bytes | Path:
        """Return the bytes of one request, or the file on this machine that holds them."""
        ...


class Parser(Protocol):
    """Reads the raw files of one kind.

    Attributes
    ----------
    is_snapshot
        A file is all there is of its source: what the newest one does not name is retired.
    is_index
        A file lists what its source still has (``Contents.standing``), without the records themselves.
    """

    is_snapshot: bool
    is_index: bool

    @property
    def kind(self) -> str:
        """Return what raw files name it by."""
        ...

    def survey(self, raw: RawFile, file: BinaryIO) -> Contents:
        """Count the rows without building structures; raise CatalystError when the file is unreadable."""
        ...

    def parse(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Record | AdsorptionRecord | Rejection]:
        """Yield one record or rejection for each row in ``[start, stop)``."""
        ...


PARSERS_OF: Final[Mapping[str, tuple[Parser, ...]]] = {
    "reference_tables": (TableParser(),),
    "prototypes": (EnumerationParser(),),
    "materials_project": (SummaryParser(), SummaryTableParser(), IndexParser()),
    "aflow": (AflowParser(),),
    "optimade": (OptimadeParser(),),
    "oc20": (
        RelaxationParser(),
        S2efParser(),
        AseLmdbParser(),
        MappingParser(),
        EnergyTableParser(),
        PickledLmdbParser(),
        PickledMappingParser(),
    ),
}
PARSERS: Final[Mapping[str, Parser]] = {
    parser.kind: parser for parsers in PARSERS_OF.values() for parser in parsers
}


@dataclass(frozen=True)
class Refreshed:
    """What asking a source brought.

    Attributes
    ----------
    sha256
        Of each source's file, by its URL.
    content_sha256
        Of all files together with what was asked.
    """

    fetched: int
    unchanged: int
    size_bytes: int
    sha256: Mapping[str, str]
    content_sha256: str


def refresh(
    source: Source,
    database: "Database",
    objects: "ObjectStore",
    on_file: Callable[[int], None] = lambda count: None,
) -> Refreshed:
    """Fetch what a source has into the raw cache; nothing is parsed.

    ``on_file`` is told after each file how many there are.
    """
    fetched = size = 0
    hashes: dict[str, str] = {}
    digest = hashlib.sha256()
    for request in source.list_new():
        data = source.fetch(request)
        sha256, is_new = store_raw(database, objects, request, data, source.memory)
        fetched += is_new
        size += data.stat().st_size if isinstance(data, Path) else len(data)
        hashes[request.url] = sha256
        on_file(len(hashes))
        report("fetching files")
        digest.update(json.dumps([request.source, request.document, sha256], sort_keys=True).encode())
    return Refreshed(fetched, len(hashes) - fetched, size, hashes, digest.hexdigest())


def hash_current(database: "Database", sources: Iterable[str]) -> str:
    """Hash the newest files of some sources, however many refreshes brought them."""
    wanted = set(sources)
    files = [
        [raw.source, raw.url, dict(raw.request), raw.sha256]
        for raw in current_files(database)
        if raw.source in wanted
    ]
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
