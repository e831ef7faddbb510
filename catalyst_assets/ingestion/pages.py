"""Cached pages of JSON entries into records or rejections: what every source that answers in pages shares."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Contents, Problem, Record, Rejection, Value, place_of

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

_FULL: Final = 1e-6  # how far an occupation may be from 1


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

    def list_entries(self, page: Any) -> list[Any] | None:
        """Return the entries of a decoded page, None when it is none; what it holds under ``data``."""
        entries = page.get("data") if isinstance(page, dict) else None
        return entries if isinstance(entries, list) else None

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

    def read_entries(
        self, raw: RawFile, file: BinaryIO, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Any]]:
        """Yield number and content of each entry in ``[start, stop)``.

        Raises
        ------
        SourceError
            The bytes are no page.
        """
        try:
            entries = self.list_entries(json.loads(file.read()))
        except (ValueError, RecursionError):
            entries = None
        if entries is None:
            raise SourceError(f"The cached page {raw.url} is no page of entries.", "Refresh the source.")
        return enumerate(entries[start:stop], start)

    def read_outlines(self, raw: RawFile, file: BinaryIO) -> Iterator[tuple[int, Any]]:
        """Yield number and content of each entry as far as surveying needs it."""
        return self.read_entries(raw, file)

    def survey(self, raw: RawFile, file: BinaryIO) -> Contents:
        """Count a page's entries and find those that come twice.

        Raises
        ------
        SourceError
            The bytes are no page.
        """
        names, left_out = [], set()
        for index, entry in self.read_outlines(raw, file):
            names.append(self.identify(entry))
            if self.is_left_out(raw, entry):
                left_out.add(index)
        return Contents.of_entries(names, left_out)

    def parse(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Record | Rejection]:
        """Yield a record or a rejection for each entry in ``[start, stop)``."""
        for index, entry in self.read_entries(raw, file, start, stop):
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
                yield Rejection.of(raw.url, place_of(index), name, problems, entry=index)
            else:
                licence = self.find_licence(entry)
                yield Record(raw.source, name, place_of(index), structure, values, licence)


def dict_in(document: Any, key: str) -> Mapping[str, Any]:
    """Return the JSON object that a document holds under a key; an empty one where it holds none."""
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}


def is_number(value: Any) -> bool:
    """Tell whether a JSON value is a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def is_one(value: Any) -> bool:
    """Tell whether a JSON value is the share of an element that is alone on its site."""
    return is_number(value) and abs(value - 1) < _FULL


def is_matrix(value: Any, rows: int) -> bool:
    """Tell whether a JSON value is so many rows of three finite numbers."""
    return (
        isinstance(value, list)
        and len(value) == rows
        and all(isinstance(row, list) and len(row) == 3 and all(map(is_number, row)) for row in value)
    )


def build_structure(
    make: "Callable[[], Structure]", field: str, problems: list[Problem], verb: str = "spans"
) -> "Structure | None":
    """Return a crystal, or None with what kept its lattice in ``field`` from being one added to ``problems``."""
    try:
        return make()
    except Exception as error:
        # A lattice without volume fails deep inside numpy; the entry is bad, not the page.
        reason = f"{verb} no crystal ({type(error).__name__}: {shown(str(error))})"
        problems.append(Problem(field, reason))
        return None
