"""Reading a file of results without a database."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from catalyst_assets.validation.submissions.reading.entries import Defaults, Entry, EntryReader
from catalyst_assets.validation.submissions.reading.opening import open_file, read_sheets
from catalyst_assets.validation.submissions.reading.problems import Problems, RefusedFileError

TODAY = date(2026, 11, 27)


@dataclass
class Read:
    """What was read, and what is wrong with it."""

    entries: list[Entry] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    unfilled: int = 0

    @property
    def told(self) -> str:
        return RefusedFileError("file", self.problems.kept, self.problems.count).listed()

    def values(self) -> list[tuple[Any, ...]]:
        """Formula, property, value, unit and deviation of each entry."""
        return [(e.formula, e.property, e.value, e.unit, e.standard_deviation) for e in self.entries]


def read(name: str, data: bytes | str, **defaults: Any) -> Read:
    found = Read()
    content = data.encode() if isinstance(data, str) else data
    opened = open_file(name, content, found.problems)
    if opened is not None:
        for sheet in read_sheets(opened, found.problems):
            reader = EntryReader(sheet, Defaults(**defaults), found.problems, TODAY)
            found.entries += list(reader)
            found.unfilled += reader.unfilled
    return found
