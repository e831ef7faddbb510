"""The source `reference_tables`: any CSV or Parquet file with a mapping file that says what it holds.

Which of those shipped with the project are read, and which others, the configuration of the asset
`raw_reference_tables` says. A mapping's format is `mapping`'s business, rows that of `records`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from catalyst_assets.errors import InvalidPoolError, UsageError
from catalyst_assets.ingestion.raw_cache import RawFile, RawRequest
from catalyst_assets.ingestion.records import Contents, Record, Rejection
from catalyst_assets.ingestion.reference_tables.mapping import TableMapping, load_mapping
from catalyst_assets.ingestion.reference_tables.records import parse_part, survey_table
from catalyst_assets.ingestion.reference_tables.spec import ReferenceTablesConfig
from catalyst_assets.ingestion.sources.refreshing import Refreshed, refresh
from catalyst_assets.vocabulary.words import close_to

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.settings import Settings

SHIPPED_FOLDER = Path(__file__).resolve().parent.parent.parent / "data"
# The table of the first demo; who wants another names it.
ALWAYS_READ: Final = ("perovskite_pbe",)


class ReferenceTables:
    """Tables on this machine, each beside its mapping file.

    Parameters
    ----------
    mapping_files
        Mapping files beyond those shipped.
    shipped
        Names of the folders of those shipped that are read too.
    """

    def __init__(self, mapping_files: Sequence[Path] = (), *, shipped: Sequence[str] = ALWAYS_READ) -> None:
        self._shipped = shipped
        self._mapping_files = [path.expanduser().absolute() for path in mapping_files]

    @property
    def memory(self) -> None:
        """Nothing: a table is read whole, and its hash tells whether it is new."""

    def list_new(self) -> list[RawRequest]:
        """Return one request a table; whether its bytes are new only its hash tells.

        Raises
        ------
        UsageError
            A mapping file cannot be read, two describe the same source, or nothing of such a name is shipped.
        """
        shipped = self._shipped_files()
        described: dict[str, Path] = {}
        requests = []
        for path in dict.fromkeys([*shipped, *self._mapping_files]):
            mapping = load_mapping(path)
            if mapping.source in described:
                raise UsageError(
                    f"{described[mapping.source]} and {path} both describe the source {mapping.source!r}.",
                    "Give each table a source of its own.",
                )
            described[mapping.source] = path
            table = path.parent / mapping.table
            # A shipped table keeps its name when the checkout moves.
            url = f"shipped:{table.relative_to(SHIPPED_FOLDER)}" if path in shipped else table.as_uri()
            parameters = {"mapping": mapping.model_dump(mode="json")}
            requests.append(
                RawRequest(
                    mapping.source,
                    url,
                    TableParser.kind,
                    mapping.licence,
                    parameters,
                    "table",
                    mapping.answers,
                )
            )
        return requests

    def _shipped_files(self) -> list[Path]:
        """Return the mapping files of the shipped tables that are asked for."""
        found = sorted(SHIPPED_FOLDER.glob("*/*.yaml"))
        known = sorted({path.parent.name for path in found})
        for name in self._shipped:
            if name not in known:
                raise UsageError(
                    f"No table {name!r} is shipped{close_to(name, known) or '.'}",
                    f"Choose among {', '.join(known)}.",
                )
        return [path for path in found if path.parent.name in self._shipped]

    def fetch(self, request: RawRequest) -> bytes:
        """Return the table's bytes.

        Raises
        ------
        UsageError
            The file cannot be read.
        """
        path = _table_path(request.url)
        try:
            return path.read_bytes()
        except OSError as error:
            raise UsageError(
                f"Cannot read the table {path} of {request.source}: {error.strerror}.",
                "Put the file there or correct `table` in its mapping file.",
            ) from None


class TableParser:
    """Reads cached tables by the mapping that was recorded with them."""

    kind: Final = "reference_table"
    is_snapshot = True
    is_index = False

    def survey(self, raw: RawFile, file: BinaryIO) -> Contents:
        """Count a table's rows and find duplicates.

        Raises
        ------
        InvalidPoolError
            The bytes are no table, hold no rows, or lack a column of the mapping.
        """
        return survey_table(_recorded_mapping(raw), file.read())

    def parse(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Record | Rejection]:
        """Yield a record or a rejection for each row in ``[start, stop)``."""
        key = f"{raw.sha256} {json.dumps(raw.request, sort_keys=True)}"
        return parse_part(_recorded_mapping(raw), key, file.read, start, stop, duplicates)


def require(config: ReferenceTablesConfig, settings: "Settings", *, reparse: bool) -> list[str]:
    """Return the sources that the tables describe; all of them if nobody is asked.

    Raises
    ------
    UsageError
        A mapping file cannot be read, or two describe the same source.
    """
    return [] if reparse else [request.source for request in _tables(config).list_new()]


def refresh_source(
    config: ReferenceTablesConfig, platform: "Platform", tell: Callable[[str], object]
) -> Refreshed:
    """Keep the tables as they are now.

    Raises
    ------
    UsageError
        A mapping file or a table cannot be read, or two describe the same source.
    """
    refreshed = refresh(_tables(config), platform.database, platform.objects)
    return replace(refreshed, said={"sha256": dict(refreshed.sha256)})


def _tables(config: ReferenceTablesConfig) -> ReferenceTables:
    return ReferenceTables(
        [Path(path) for path in config.mapping_files], shipped=[*ALWAYS_READ, *config.shipped]
    )


def _recorded_mapping(raw: RawFile) -> TableMapping:
    # Columns of a name were joined without anything between them before a mapping could say what.
    recorded = {"separator": ""} | raw.request["parameters"]["mapping"]
    try:
        return TableMapping.model_validate(recorded)
    except ValidationError as error:  # of a word that was declared when it was ingested
        said = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise InvalidPoolError(
            f"The mapping that it was ingested with is no longer valid: {said}.",
            "Set CATALYST_PROPERTIES_FILE as it was then, and load it again with --reparse.",
        ) from None


def _table_path(url: str) -> Path:
    if url.startswith("shipped:"):
        return SHIPPED_FOLDER / url.removeprefix("shipped:")
    return Path(unquote(urlsplit(url).path))
