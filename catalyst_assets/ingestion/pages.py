"""Cached pages of JSON entries into records or rejections: what every source that answers in pages shares."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.records import Contents, Problem, Record, Rejection, Value, place_of

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure


class PageParser(ABC):
    """A parser of pages; a later page may say an entry anew.

    Attributes
    ----------
    identity
        The field that names an entry.
    """

    is_snapshot = False
    is_index = False
    identity: str

    @abstractmethod
    def list_entries(self, page: Any) -> list[Any] | None:
        """Return the entries of a decoded page, None when it is none."""

    @abstractmethod
    def identify(self, entry: Any) -> str:
        """Return what names an entry within its source; empty when it cannot be told."""

    def is_left_out(self, raw: RawFile, entry: Any) -> bool:
        """Tell whether an entry is passed over on purpose: neither loaded nor refused."""
        return False

    def find_licence(self, entry: Any) -> str:
        """Return an entry's own licence, empty where its file's holds."""
        return ""

    @abstractmethod
    def read(
        self, raw: RawFile, entry: Any, problems: list[Problem]
    ) -> "tuple[Structure | None, tuple[Value, ...]]":
        """Return an entry's crystal and values; what is wrong is added to ``problems``."""

    def survey(self, raw: RawFile, file: BinaryIO) -> Contents:
        """Count a page's entries and find those that come twice.

        Raises
        ------
        SourceError
            The bytes are no page.
        """
        entries = self._decode(raw, file)
        left_out = {index for index, entry in enumerate(entries) if self.is_left_out(raw, entry)}
        return Contents.of_entries([self.identify(entry) for entry in entries], left_out)

    def parse(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Record | Rejection]:
        """Yield a record or a rejection for each entry in ``[start, stop)``."""
        for index, entry in enumerate(self._decode(raw, file)[start:stop], start):
            if self.is_left_out(raw, entry):
                continue
            problems: list[Problem] = []
            name = self.identify(entry)
            if not name:
                problems.append(Problem(self.identity, "is missing, or cannot name a record"))
            if index in duplicates:
                problems.append(Problem(self.identity, f"{name} was already given by an earlier entry"))
            structure, values = self.read(raw, entry, problems)
            if problems or structure is None:
                fields = [problem.field for problem in problems]
                payload = {"url": raw.url, "entry": index, "record": name, "fields": fields}
                yield Rejection(place_of(index), tuple(problems), payload)
            else:
                licence = self.find_licence(entry)
                yield Record(raw.source, name, place_of(index), structure, values, licence)

    def _decode(self, raw: RawFile, file: BinaryIO) -> list[Any]:
        try:
            entries = self.list_entries(json.loads(file.read()))
        except (ValueError, RecursionError):
            entries = None
        if entries is None:
            raise SourceError(f"The cached page {raw.url} is no page of entries.", "Refresh the source.")
        return entries
