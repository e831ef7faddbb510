"""One declaration a source: what it is, what may be asked of it, and by which modules it is refreshed and read.

Plain data that imports neither Dagster nor a library of science: what a declaration names is looked up when it is
used. What is made of it stands in `assets`, `jobs`, `schedules` and the command `ingest`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Final, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_assets.ingestion.adsorption.records import AdsorptionRecord
    from catalyst_assets.ingestion.raw_cache import RawFile
    from catalyst_assets.ingestion.records import Contents, Record, Rejection
    from catalyst_assets.ingestion.sources.refreshing import Refreshed
    from resources.platform import Platform
    from resources.settings import Settings

_YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class Option:
    """How a field of a configuration is given on the command line.

    Attributes
    ----------
    flag
        Such as ``--limit``; empty for what is given without one.
    files
        Whether the values are paths: all of them, or those that end as YAML files do.
    known_address
        Of an address: where the source is by itself.
    needs_trust
        Whether a run's configuration alone cannot say it.
    """

    flag: str
    help: str
    files: Literal["none", "all", "yaml"] = "none"
    known_address: str | None = None
    needs_trust: bool = False

    def names_file(self, value: str) -> bool:
        """Tell whether a value is a path."""
        return self.files == "all" or (self.files == "yaml" and value.endswith(_YAML))


class SourceConfig(BaseModel):
    """What may be asked of a source: its asset's configuration, its part of the sources file, its options.

    Attributes
    ----------
    trusted_fields
        Those that are no options, and that a run's configuration alone cannot say.
    """

    model_config = ConfigDict(frozen=True)

    trusted_fields: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def options(cls) -> dict[str, Option]:
        """Return the fields that are options of the command line, in their order."""
        return {
            name: item
            for name, field in cls.model_fields.items()
            for item in field.metadata
            if isinstance(item, Option)
        }

    def located(self, folder: Path) -> Self:
        """Return it with paths that do not depend on where a step runs; relative ones start from a folder."""
        places = {
            name: [
                str((folder / Path(value).expanduser()).absolute()) if option.names_file(value) else value
                for value in getattr(self, name)
            ]
            for name, option in self.options().items()
            if option.files != "none"
        }
        return self.model_copy(update=places)


@dataclass(frozen=True)
class Schedule:
    """When a source is asked by itself, in UTC, and how old its newest refresh may become.

    Attributes
    ----------
    warn_after, fail_after
        A refresh that is missed once is a warning, twice is too old.
    """

    cron: str
    warn_after: timedelta
    fail_after: timedelta


DAILY: Final = timedelta(hours=30), timedelta(days=2)
WEEKLY: Final = timedelta(days=8), timedelta(days=14)


@dataclass(frozen=True)
class SourceSpec:
    """A source of materials or of what is known of them.

    Functions are named relative to the folder of the configuration: ``module:name``.

    Attributes
    ----------
    name
        What asset, job, schedule and command go by.
    title
        What people call it within a sentence.
    description
        What its raw files are.
    kinds
        Their formats, as Dagster shows them.
    downloads
        What a refresh may fetch from outside, and how much.
    licence
        What its data may be used under.
    config
        What may be asked of it.
    parsers
        Classes that read its raw files.
    help
        What its command says of itself.
    schedule
        None for a source that is refreshed by hand only.
    refresh
        A :class:`Refresh`.
    require
        A :class:`Require`.
    lacks
        Says what must be set before anything can be asked of it, given the configuration and the settings; empty
        when nothing.
    """

    name: str
    title: str
    description: str
    kinds: frozenset[str]
    downloads: str
    licence: str
    config: type[SourceConfig]
    parsers: tuple[str, ...]
    help: str
    schedule: Schedule | None = None
    refresh: str = "source:refresh_source"
    require: str = "source:require"
    lacks: Callable[[Any, "Settings"], str] = lambda config, settings: ""

    @property
    def asset(self) -> str:
        """Name of the asset of its raw files."""
        return f"raw_{self.name}"

    @property
    def job(self) -> str:
        """Name of the job that refreshes and loads it."""
        return f"ingest_{self.name}"

    def find(self, named: str) -> Any:
        """Return what a declaration names, relative to the folder of the configuration."""
        return resolve_name(f"{self.config.__module__.rpartition('.')[0]}.{named}")

    def make_parsers(self) -> tuple["Parser", ...]:
        """Return a parser for each kind of its raw files."""
        return tuple(self.find(name)() for name in self.parsers)


class Refresh(Protocol):
    """Fetches what is new of a source into the raw cache."""

    def __call__(self, config: Any, platform: "Platform", tell: Callable[[str], object]) -> "Refreshed":
        """Return what it brought; ``tell`` is told how far it is."""
        ...


class Require(Protocol):
    """Refuses at once, before a run begins, what cannot be asked of a source."""

    def __call__(self, config: Any, settings: "Settings", *, reparse: bool) -> Sequence[str]:
        """Return the names that the records asked for go by, where a source has several; none for all of them.

        Raises
        ------
        UsageError
            It cannot be asked; a ``reparse`` asks nobody.
        """
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

    def survey(self, raw: "RawFile", file: BinaryIO) -> "Contents":
        """Count the rows without building structures; raise CatalystError when the file is unreadable."""
        ...

    def parse(
        self, raw: "RawFile", file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> "Iterator[Record | AdsorptionRecord | Rejection]":
        """Yield one record or rejection for each row in ``[start, stop)``."""
        ...
