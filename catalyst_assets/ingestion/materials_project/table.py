"""The whole of the Materials Project from its open table (Delta Lake, partitioned by database version).

Read only when it is asked for: it is far larger than what is taken from the interface. Its data files never change,
so each is one raw file, as received. Afterwards the interface's refreshes go on from this version.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.materials_project.documents import is_left_out
from catalyst_assets.ingestion.materials_project.ids import read_stamp
from catalyst_assets.ingestion.materials_project.index import INDEX_FIELDS, IndexParser, write_index
from catalyst_assets.ingestion.materials_project.memory import QuestionMemory
from catalyst_assets.ingestion.materials_project.selection import Selection
from catalyst_assets.ingestion.materials_project.source import index_request
from catalyst_assets.ingestion.materials_project.spec import LICENCE, NAME, TABLE, MaterialsProjectConfig
from catalyst_assets.ingestion.materials_project.table_files import SummaryTableParser, read_rows
from catalyst_assets.ingestion.raw_cache import RawFile, RawRequest, current_files, open_raw, raw_key

if TYPE_CHECKING:
    from resources.platform import Platform

OPTIONS: Final = {
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_REGION": "us-east-1",
    "timeout": "120s",
    "connect_timeout": "60s",
}
_PARTITION: Final = "partition.version"
_CHUNK_BYTES: Final = 1024 * 1024


class MaterialsProjectTable:
    """The newest version in the table.

    Parameters
    ----------
    platform
        Where the raw cache is: what is in it is not fetched again.
    scratch
        A folder for files that are being fetched.
    config
        The interface that later refreshes will ask, the table, and how deltalake reaches its store.
    selection
        Everything, or everything that may be used commercially.
    memory
        What the last refresh left.
    """

    def __init__(
        self,
        platform: "Platform",
        scratch: Path,
        config: MaterialsProjectConfig,
        selection: Selection,
        memory: Mapping[str, Any] | None,
    ) -> None:
        self._database = platform.database
        self._objects = platform.objects
        self._selection = selection
        self._uri = (config.table_uri or TABLE).rstrip("/") + "/"
        self._options = dict(OPTIONS if config.table_options is None else config.table_options)
        self._memory = QuestionMemory(memory, config.interface, selection)
        self._cached: dict[str, RawFile] = {}
        self._unread: list[RawFile] = []
        self._listed: list[dict[str, Any]] = []
        self._scratch = scratch

    @property
    def memory(self) -> Mapping[str, Any]:
        """What to remember with the file fetched last."""
        return self._memory.document

    def list_new(self) -> Iterator[RawRequest]:
        """Yield the data files of the newest version that are not cached, then the index of that version.

        Raises
        ------
        UsageError
            A newer version was fetched already.
        SourceError
            The table cannot be read.
        """
        version, paths = self._find_files()
        loaded = self._memory.state.get("db_version")
        if loaded is not None and order_of(loaded) > order_of(version):
            raise UsageError(
                f"The table has the version {version}, but {loaded} was fetched already.",
                "Refresh from the interface instead: it would take a step back.",
            )
        self._cached = {
            raw.url: raw
            for raw in current_files(self._database)
            if raw.source == NAME and self._objects.exists(raw_key(raw.sha256))
        }
        parameters = {"non_commercial": self._selection.non_commercial, "db_version": version}
        is_new = self._memory.state.get("db_version") != version or self._memory.is_overruled
        for path in paths:
            request = RawRequest(NAME, self._uri + path, SummaryTableParser.kind, LICENCE, parameters)
            known = self._cached.get(request.url)
            if known is None or known.request != request.document:
                is_new = True
                yield request
            else:
                self._unread.append(known)
        if is_new:
            yield index_request(self._uri, version, self._selection)

    def fetch(self, request: RawRequest) -> bytes | Path:
        """Return one data file, or the index made of all of them.

        Raises
        ------
        SourceError
            The file cannot be read.
        """
        if request.kind == IndexParser.kind:
            data = self._write_index(request.parameters["db_version"])
            self._memory.start(request.parameters["db_version"], hashlib.sha256(data).hexdigest())
            self._memory.finish()
            return data
        path = self._scratch / "data.parquet"
        known = self._cached.get(request.url)
        if known is not None:
            with open_raw(self._objects, known.sha256) as cached, path.open("wb") as copy:
                shutil.copyfileobj(cached, copy, _CHUNK_BYTES)
        else:
            self._download(request.url.removeprefix(self._uri), path)
        with path.open("rb") as file:
            self._list(file)
        return path

    def _list(self, file: BinaryIO) -> None:
        """Note which of a data file's materials stand."""
        for _, row in read_rows(file, (*INDEX_FIELDS, "builder_meta")):
            if not is_left_out(row, self._selection.non_commercial):
                stamp = read_stamp(row.get("last_updated"))
                self._listed.append({"material_id": row["material_id"], "last_updated": stamp})

    def _write_index(self, version: str) -> bytes:
        for raw in self._unread:
            with open_raw(self._objects, raw.sha256) as file:
                self._list(file)
        page = {"data": self._listed, "meta": {"total_doc": len(self._listed)}}
        return write_index(version, [json.dumps(page).encode()])

    def _find_files(self) -> tuple[str, list[str]]:
        """Return the newest version and the paths of its data files."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            table = DeltaTable(self._uri, storage_options=self._options)
            if any(batch.num_rows for batch in table.deletion_vectors()):
                raise SourceError(
                    f"The table {self._uri} deletes rows within its files.",
                    "Refresh from the interface instead.",
                )
            actions = table.get_add_actions(flatten=True)
            if _PARTITION not in actions.schema.names:
                raise SourceError(f"The table {self._uri} has no versions.", "Check its address.")
            versions = actions.column(_PARTITION).to_pylist()
            paths = actions.column("path").to_pylist()
        except (DeltaError, OSError) as error:
            raise SourceError(
                f"The table {self._uri} cannot be read: {str(error)[:300]}.",
                "Check its address, or try again later.",
                is_transient=True,
            ) from None
        if not paths:
            raise SourceError(f"The table {self._uri} is empty.", "Check its address.")
        newest = max(set(versions), key=order_of)
        return newest, sorted(
            path for path, version in zip(paths, versions, strict=True) if version == newest
        )

    def _download(self, path: str, target: Path) -> None:
        from deltalake.exceptions import DeltaError
        from deltalake.fs import DeltaStorageHandler

        try:
            store = DeltaStorageHandler(self._uri, self._options)
            with store.open_input_file(path) as file, target.open("wb") as copy:
                shutil.copyfileobj(file, copy, _CHUNK_BYTES)
        except (DeltaError, OSError) as error:
            raise SourceError(
                f"The table's file {self._uri}{path} cannot be read: {str(error)[:300]}.",
                "Try again later: the files fetched so far are kept.",
                is_transient=True,
            ) from None


def order_of(db_version: str) -> tuple[int, ...]:
    """Return what sorts versions such as ``2025_09_25``, ``2026.04.13`` and ``2026.04.13.post1`` by their age."""
    return tuple(int(number) for number in re.findall(r"\d+", str(db_version)))
