"""The source `materials_project`: summary documents (Jain et al., APL Mater. 1, 011002 (2013)) by database version.

The interface cannot be asked for what changed. So when its version is a new one, the index of all materials is
fetched and compared with the last one; then what differs is fetched in batches, each one answer. What is remembered
after each batch lets an interrupted refresh go on.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from catalyst_assets.errors import CorruptArtifactError, SourceError
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.fetching.narrowing import ATTEMPTS, Span, read_in_parts
from catalyst_assets.ingestion.materials_project.client import SummaryClient
from catalyst_assets.ingestion.materials_project.documents import FIELDS, SummaryParser
from catalyst_assets.ingestion.materials_project.ids import identify_material
from catalyst_assets.ingestion.materials_project.index import (
    INDEX_FIELDS,
    IndexParser,
    read_index,
    require_whole,
    write_index,
)
from catalyst_assets.ingestion.materials_project.memory import QuestionMemory
from catalyst_assets.ingestion.materials_project.selection import Selection
from catalyst_assets.ingestion.materials_project.spec import LICENCE, NAME, MaterialsProjectConfig
from catalyst_assets.ingestion.raw_cache import RawRequest, read_raw
from catalyst_assets.ingestion.records import Scope

if TYPE_CHECKING:
    from resources.platform import Platform

_MOST_NOT_GIVEN: Final = 1000
_MOST_FAILED_BATCHES: Final = 5
_SHOWN: Final = 5


class MaterialsProject:
    """The Materials Project behind its interface.

    Parameters
    ----------
    platform
        Where the raw cache is: the index before this one is read from there. Its settings hold the key.
    fetcher
        How patient it is.
    config
        Where it is. It stops after the batch with which ``most_entries`` documents were fetched, the next refresh goes
        on from there; the names of ``batch_size`` documents must fit into an address.
    selection
        What is wanted. Each question has its own memory: another one does not make this one start anew.
    memory
        What the last refresh left.

    Raises
    ------
    UsageError
        There is no key, or it cannot be one.
    """

    def __init__(
        self,
        platform: "Platform",
        fetcher: Fetcher,
        config: MaterialsProjectConfig,
        selection: Selection,
        memory: Mapping[str, Any] | None,
    ) -> None:
        key = platform.settings.mp_api_key
        self._client = SummaryClient(key, fetcher, config.interface, selection.non_commercial)
        self._objects = platform.objects
        self._config = config
        self._selection = selection
        self._most_batches = platform.settings.source_pages
        self._entries = 0
        self._failed_batches = 0
        self._held = b""
        self._wanted: list[str] | None = None
        self._memory = QuestionMemory(memory, config.interface, selection)

    @property
    def memory(self) -> Mapping[str, Any]:
        """What to remember with the answer fetched last."""
        return self._memory.document

    def list_new(self) -> Iterator[RawRequest]:
        """Ask for the version, then yield the index and the batches of what changed.

        Raises
        ------
        SourceError
            The Materials Project cannot be asked, or does not give what it lists.
        """
        state = self._memory.state
        version = self._client.ask_version()
        goes_on = state.get("next_version") == version and self._read_index(state["next_index"]) is not None
        is_known = state.get("db_version") == version and not self._memory.is_overruled
        if is_known and not goes_on and not state.get("missing"):
            return
        if is_known and not goes_on and self._read_index(state["index"]) is not None:
            self._memory.start(version, state["index"])
        elif not goes_on:
            asked = {"_fields": ",".join(INDEX_FIELDS), **self._selection.criteria}
            url = f"{self._client.summary_url}?{urlencode(asked, doseq=True)}"
            yield index_request(url, version, self._selection)
        most, batches = self._config.most_entries, 0
        while (names := self._next_batch()) and (most is None or self._entries < most):
            if batches == self._most_batches:
                raise SourceError(
                    f"{NAME}: {batches} batches were read, and {names[0]} comes next.",
                    "Run again: it goes on from there; CATALYST_SOURCE_PAGES lets one refresh read more.",
                )
            batches += 1
            yield from self._fetch_batch(names, version)
        missing = self._memory.state.get("missing")
        if missing and "next_index" not in self._memory.state:
            shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
            raise SourceError(
                f"The Materials Project lists {len(missing)} materials that it does not give: {shown}.",
                "The others are kept and load; the next refresh asks for these again.",
            )

    def fetch(self, request: RawRequest) -> bytes:
        """Return the index, or the batch that was asked for last, and note what comes next.

        Raises
        ------
        SourceError
            The Materials Project refuses, or its answer is not what was asked for.
        """
        if request.kind == IndexParser.kind:
            return self._fetch_index(request.parameters["db_version"])
        return self._held

    def _fetch_index(self, version: str) -> bytes:
        state = self._memory.state
        if state.get("db_version") == version and self._read_index(state["index"]) is not None:
            return read_raw(self._objects, state["index"])
        pages = []
        for deprecated in (False, True):
            answers = self._client.search(INDEX_FIELDS, deprecated=deprecated, **self._selection.criteria)
            require_whole(answers)
            pages += answers
        if self._client.ask_version() != version:
            raise SourceError(
                f"The Materials Project left its version {version} while its index was read.",
                "Refresh again.",
                is_transient=True,
            )
        data = write_index(version, pages)
        if self._selection.scope == Scope() and not read_index(data) and self._known():
            raise SourceError(
                f"The Materials Project lists no materials in its version {version}.",
                "Try again later: this would retire all that are known.",
                is_transient=True,
            )
        self._memory.start(version, hashlib.sha256(data).hexdigest())
        self._wanted = find_changed(self._known(), read_index(data), self._memory.state.get("missing", ()))
        if not self._wanted:
            self._memory.finish()
        return data

    def _fetch_batch(self, names: list[str], version: str) -> Iterator[RawRequest]:
        """Ask for some materials, in smaller batches where they cannot be had at once; yield one request an answer."""
        given: set[str] = set()
        answers = self._ask_patiently(names)
        before = self._memory.state
        for _, data in answers:
            found = {identify_material(document) for document in json.loads(data)["data"]}
            given |= found
            self._entries += len(found)
        self._memory.advance(len(names), [name for name in names if name not in given])
        if len(self._memory.state["not_given"]) > _MOST_NOT_GIVEN:
            raise SourceError(
                f"The Materials Project lists more than {_MOST_NOT_GIVEN} materials that it does not give.",
                "Try again later: the database may be in the middle of an update.",
                is_transient=True,
            )
        if not self._next_batch():
            self._memory.finish()
        after = self._memory.state
        for number, (batch, data) in enumerate(answers, 1):
            # Of a batch that came in parts the last one says that all of them are kept.
            self._memory.state = after if number == len(answers) else before
            self._held = data
            asked = {"material_ids": ",".join(batch), "_fields": ",".join(FIELDS)}
            place = before["asked"] + names.index(batch[0])
            round_ = f" again {before['round']}" if before.get("round") else ""
            yield RawRequest(
                NAME,
                f"{self._client.summary_url}?{urlencode(asked, safe=',')}",
                SummaryParser.kind,
                LICENCE,
                {"non_commercial": self._selection.non_commercial, "db_version": version},
                # A batch of another index holds other documents: neither takes the other's place.
                slot=f"index {before['next_index']}{round_} from {place}",
            )
        self._memory.state = after

    def _ask_patiently(self, names: list[str]) -> list[tuple[list[str], bytes]]:
        """Return the answer about some materials, or those about as many of them as can be had."""
        try:
            answers = [(names, self._ask(names))]
        except SourceError as error:
            if error.is_general or self._failed_batches >= _MOST_FAILED_BATCHES:
                raise
            self._client.ask_version()  # where not even that is answered, no smaller batch is either
            parts = read_in_parts(
                Span(0, len(names)), lambda part: self._ask(names[part.start : part.stop], ATTEMPTS)
            )
            answers = [
                (names[part.start : part.stop], found) for part, found in parts if isinstance(found, bytes)
            ]
        self._failed_batches = 0 if answers else self._failed_batches + 1
        return answers

    def _ask(self, names: list[str], attempts: int | None = None) -> bytes:
        criteria = {**self._selection.criteria, "material_ids": names}
        answers = self._client.search(FIELDS, attempts, **criteria, num_chunks=1, chunk_size=len(names))
        if len(answers) != 1:
            raise SourceError(
                f"mp-api asked {len(answers)} times for one batch.", "Use its version in constraints.txt."
            )
        return answers[0]

    def _next_batch(self) -> list[str]:
        """Return the names to be asked for next, none when all is kept."""
        state = self._memory.state
        if "next_index" not in state:
            return []
        if self._wanted is None:
            standing = self._read_index(state["next_index"]) or {}
            self._wanted = find_changed(self._known(), standing, state.get("missing", ()))
        return self._wanted[state["asked"] : state["asked"] + self._config.batch_size]

    def _known(self) -> dict[str, str | None]:
        """Return what the last whole refresh listed."""
        index = self._memory.state.get("index")
        return (self._read_index(index) if index else None) or {}

    def _read_index(self, sha256: str) -> dict[str, str | None] | None:
        try:
            return read_index(read_raw(self._objects, sha256))
        except CorruptArtifactError:
            return None  # what is lost is fetched anew


def index_request(url: str, version: str, selection: Selection) -> RawRequest:
    """Return the request for the index of one version; it supersedes earlier ones about the same materials."""
    scope = selection.scope_document
    return RawRequest(
        NAME,
        url,
        IndexParser.kind,
        LICENCE,
        {"scope": scope, "db_version": version},
        slot=f"index of {json.dumps(scope, sort_keys=True)}",
    )


def find_changed(
    known: Mapping[str, str | None], standing: Mapping[str, str | None], missing: Collection[str] = ()
) -> list[str]:
    """Return the names of what is new, was changed, or was not given the last time, in a fixed order.

    What has no readable moment of its last change may have changed.
    """
    return sorted(
        name
        for name, stamp in standing.items()
        if stamp is None or name not in known or known[name] != stamp or name in missing
    )
