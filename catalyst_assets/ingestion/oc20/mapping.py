"""OC20's mapping: of each system the bulk it was cut from, facet, site, adsorbate and anomaly.

A dictionary by system, published as a pickle; as JSON it is the same. The pickle is read by a process of its own.
"""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, BinaryIO, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.adsorption.records import (
    AdsorptionParser,
    AdsorptionSystem,
    Outcome,
    system_name,
)
from catalyst_assets.ingestion.materials_project.ids import normalise_material_id
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Problem
from catalyst_assets.ingestion.untrusted.process import read_untrusted

_MOST_JSON_BYTES: Final = 512 * 1024**2
_Position = tuple[float, float, float]
_Index = Annotated[int, Field(ge=-20, le=20)]


class MappingEntry(BaseModel):
    """What the mapping says of one system; fields that are not taken are left alone."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    adsorbate: str = Field(alias="ads_symbols")
    bulk_mpid: str | None = None
    bulk_formula: str | None = Field(default=None, alias="bulk_symbols")
    miller_index: tuple[_Index, _Index, _Index] | None = None
    shift: float | None = None
    top: bool | None = None
    adsorption_site: Annotated[tuple[_Position, ...], Field(max_length=1000)] | None = None
    anomaly: int | None = Field(default=None, ge=0, le=4)
    material_class: int | None = Field(default=None, alias="class", ge=0, le=3)

    @field_validator("bulk_mpid")
    @classmethod
    def _in_one_spelling(cls, given: str | None) -> str | None:
        return None if given is None else normalise_material_id(given)

    @field_validator("adsorbate")
    @classmethod
    def _without_asterisk(cls, given: str) -> str:
        return given.removeprefix("*")


class _EntriesParser(AdsorptionParser):
    """Reads a mapping, however it is written."""

    gives = "systems"

    @abstractmethod
    def read(self, raw: RawFile, file: BinaryIO, start: int, stop: int | None) -> Iterator[dict[str, Any]]:
        """Yield entries with ``row`` and either ``key`` and ``entry``, or ``problem``."""

    def list_rows(self, raw: RawFile, file: BinaryIO) -> Iterator[tuple[str, str]]:
        """Yield place and system of each entry; a dictionary has none twice.

        Raises
        ------
        SourceError
            The file is no such mapping.
        """
        for row, entry in enumerate(self.read(raw, file, 0, None)):
            yield _place(row), _name(entry)

    def read_rows(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Outcome]:
        """Yield the system of each entry in ``[start, stop)``, or what is wrong with it."""
        for entry in self.read(raw, file, start, stop):
            place, name = _place(entry["row"]), _name(entry)
            yield place, name, _read_system(entry, place, name)


class MappingParser(_EntriesParser):
    """Reads a mapping in JSON."""

    kind: Final = "oc20_mapping"

    def read(self, raw: RawFile, file: BinaryIO, start: int, stop: int | None) -> Iterator[dict[str, Any]]:
        """Yield the entries of a JSON object."""
        text = file.read(_MOST_JSON_BYTES + 1)
        try:
            held = json.loads(text) if len(text) <= _MOST_JSON_BYTES else None
        except (ValueError, RecursionError):
            held = None
        if not isinstance(held, dict):
            raise SourceError(
                f"{raw.url} is no JSON object of at most {_MOST_JSON_BYTES} bytes.",
                "Give a mapping: an object with one entry for each system.",
            )
        for row, (key, entry) in list(enumerate(held.items()))[start:stop]:
            yield {"row": row, "key": key, "entry": entry}


class PickledMappingParser(_EntriesParser):
    """Reads a mapping as it is published."""

    kind: Final = "oc20_pickled_mapping"

    def read(self, raw: RawFile, file: BinaryIO, start: int, stop: int | None) -> Iterator[dict[str, Any]]:
        """Yield the entries of a pickled dictionary."""
        return read_untrusted(raw.url, file, "pickled-mapping", start, stop)


def _read_system(
    entry: Mapping[str, Any], place: str, name: str
) -> AdsorptionSystem | Problem | tuple[Problem, ...]:
    if "problem" in entry:
        return Problem("entry", str(entry["problem"]))
    if not name:
        return Problem("system", f"{shown(entry.get('key'))} cannot name a system")
    try:
        return AdsorptionSystem(place, name, **MappingEntry.model_validate(entry["entry"]).model_dump())
    except ValidationError as error:
        return tuple(
            Problem(".".join(map(str, item["loc"])) or "entry", item["msg"])
            for item in error.errors(include_input=False, include_url=False)[:10]
        )


def _place(row: int) -> str:
    return f"system {row}"


def _name(entry: Mapping[str, Any]) -> str:
    return system_name(entry.get("key"))
