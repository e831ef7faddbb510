"""What is wrong with a file of results, in words a chemist understands: where, what stands there, what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from catalyst_assets.errors import CatalystError
from catalyst_assets.ingestion.reading.tables import shown

MOST_SHOWN: Final = 20
# A file in which every row is wrong has a million of them.
_MOST_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file of results.

    Attributes
    ----------
    place
        Such as ``line 7``; empty for the file as a whole.
    column
        As the file's header names it; empty where it is none.
    found
        What stands there.
    reason
        Why it cannot be taken, continuing the sentence that begins with what was found.
    remedy
        What to do about it.
    held
        Number of the result that the ledger holds, where that is contradicted.
    """

    place: str
    column: str
    found: str
    reason: str
    remedy: str
    held: int | None = None

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.place, self.column and f"column {self.column}") if part)
        said = f"{self.found} {self.reason}".strip()
        return f"{where}: {said}. {self.remedy}" if where else f"{said}. {self.remedy}"

    def to_json(self) -> dict[str, str]:
        """Return the fields, and the whole as a sentence."""
        fields = {name: getattr(self, name) for name in ("place", "column", "found", "reason", "remedy")}
        return {**fields, "message": str(self)}


@dataclass
class Problems:
    """Those of one file; of very many only the first are kept.

    Attributes
    ----------
    kept
        In the order of the file.
    count
        How many there are.
    """

    kept: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(
        self, place: str, column: str, found: object, reason: str, remedy: str, held: int | None = None
    ) -> None:
        """Note one. ``found`` is shown as messages may show a cell; empty text says nothing."""
        self.count += 1
        if len(self.kept) < _MOST_KEPT:
            told = found if found == "" else shown(found)
            self.kept.append(Problem(place, column, str(told), reason, remedy, held))


class RefusedFileError(CatalystError):
    """A file of results of which nothing was taken.

    Parameters
    ----------
    name
        The file's.
    problems
        All that are kept.
    count
        How many there are.
    sound
        How many measurements there is nothing wrong with.
    """

    def __init__(self, name: str, problems: Sequence[Problem], count: int = 0, sound: int = 0) -> None:
        self.name, self.problems, self.count = name, tuple(problems), count or len(problems)
        self.sound = sound
        how_many = "one problem" if self.count == 1 else f"{self.count:,} problems"
        super().__init__(
            f"{name} is refused because of {how_many}; nothing of it was recorded.\n{self.listed(MOST_SHOWN)}",
            "Correct the file and submit it again: it is taken whole or not at all.",
        )

    def __reduce__(self) -> tuple[type, tuple[str, tuple[Problem, ...], int, int]]:
        return type(self), (self.name, self.problems, self.count, self.sound)

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}"

    def listed(self, most: int | None = None) -> str:
        """Return the problems, one a line, and how many more there are."""
        lines = [str(problem) for problem in self.problems[:most]]
        if (rest := self.count - len(lines)) > 0:
            lines.append(f"… and {rest:,} more.")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Return what `--json` and the API answer."""
        return {
            "outcome": "refused",
            "file": self.name,
            "problem_count": self.count,
            "problems": [problem.to_json() for problem in self.problems],
        }
