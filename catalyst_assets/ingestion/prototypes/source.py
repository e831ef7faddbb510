"""The source `prototypes`: hypothetical crystals that nobody has computed, enumerated from lists of species.

A file names a prototype and the species that each of its sites may hold. Every combination that is neutral in common
oxidation states, and whose cations are less electronegative than its anions, becomes a candidate (the two filters of
SMACT: Davies et al., Chem 1, 617 (2016)). Of alloys every combination does. What is cached is the file; candidates are
made when it is parsed.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from catalyst_assets.errors import InvalidPoolError, UsageError
from catalyst_assets.ingestion.prototypes.charges import are_separated, nearest_to_neutral
from catalyst_assets.ingestion.prototypes.crystals import PROTOTYPES, Prototype
from catalyst_assets.ingestion.prototypes.spec import LICENCE, PrototypesConfig
from catalyst_assets.ingestion.raw_cache import RawFile, RawRequest
from catalyst_assets.ingestion.reading.species import element_problem
from catalyst_assets.ingestion.records import Contents, Problem, Record, Rejection
from catalyst_assets.ingestion.sources.refreshing import Refreshed, refresh
from resources.yaml_files import read_model

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.settings import Settings


class Enumeration(BaseModel):
    """What is enumerated.

    Attributes
    ----------
    sites
        Species that each site of the prototype may hold.
    neutral
        Keep only what is neutral in common oxidation states; without it the nearest charges size the crystal. Alloys
        have none.
    electronegativity
        Keep only what has cations less electronegative than all anions (Pauling's scale).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=40)
    prototype: str
    sites: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
    neutral: bool = True
    electronegativity: bool = True

    @model_validator(mode="after")
    def _fits(self) -> "Enumeration":
        known = PROTOTYPES.get(self.prototype)
        if known is None:
            raise ValueError(f"prototype: {self.prototype!r} is not one of {', '.join(PROTOTYPES)}")
        if set(self.sites) != set(known.sites):
            raise ValueError(f"sites: {self.prototype} has the sites {', '.join(known.sites)}")
        for site, species in self.sites.items():
            bad = [problem for symbol in species if (problem := element_problem(symbol))]
            if bad or len(set(species)) != len(species):
                raise ValueError(f"sites.{site}: {'; '.join(bad) if bad else 'a species is named twice'}")
        return self

    @property
    def crystal(self) -> Prototype:
        """The structure type."""
        return PROTOTYPES[self.prototype]

    @property
    def combinations(self) -> int:
        """How many there are before anything is left out."""
        return prod(len(species) for species in self.sites.values())


class Prototypes:
    """Enumerations, each described by a file.

    Parameters
    ----------
    files
        YAML files.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._found: dict[str, bytes] = {}

    @property
    def memory(self) -> None:
        """Nothing: a file is read whole, and its hash tells whether it is new."""

    def list_new(self) -> Iterator[RawRequest]:
        """Yield one request a file.

        Raises
        ------
        UsageError
            A file cannot be read or is not valid, or two have the same name.
        """
        described: dict[str, Path] = {}
        for path in self._files:
            enumeration = load_enumeration(path)
            if enumeration.name in described:
                raise UsageError(
                    f"{described[enumeration.name]} and {path} both describe {enumeration.name!r}.",
                    "Give each a name of its own.",
                )
            described[enumeration.name] = path
            url = f"prototypes:{enumeration.name}"
            document = enumeration.model_dump(mode="json")
            self._found[url] = json.dumps(document, sort_keys=True).encode()
            yield RawRequest(
                f"prototypes_{enumeration.name}", url, EnumerationParser.kind, LICENCE, slot="enumeration"
            )

    def fetch(self, request: RawRequest) -> bytes:
        """Return what is enumerated, whatever its file looked like."""
        return self._found[request.url]


class EnumerationParser:
    """Makes the candidates of cached enumerations."""

    kind: Final = "enumeration"
    is_snapshot = True
    is_index = False

    def survey(self, raw: RawFile, file: BinaryIO) -> Contents:
        """Count the combinations, and those of them that are kept.

        Raises
        ------
        InvalidPoolError
            The bytes are no enumeration, or none is kept.
        """
        enumeration = _read(raw, file)
        kept = sum(
            _charges(enumeration, species) is not None for species in product(*enumeration.sites.values())
        )
        if not kept:
            raise InvalidPoolError(
                f"{raw.url}: none of {enumeration.combinations} combinations is left by the filters.",
                "Name other species, or switch a filter off.",
            )
        return Contents(enumeration.combinations, expected=kept)

    def parse(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Record | Rejection]:
        """Yield a record or a rejection for each combination in ``[start, stop)`` that is kept."""
        enumeration = _read(raw, file)
        lists = list(enumeration.sites.values())
        for index in range(start, stop):
            species, rest = [], index
            for choices in reversed(lists):
                rest, position = divmod(rest, len(choices))
                species.append(choices[position])
            chosen = tuple(reversed(species))
            charges = _charges(enumeration, chosen)
            if charges is None:
                continue
            name = "-".join(chosen)
            ions = dict(zip(enumeration.sites, zip(chosen, charges, strict=True), strict=True))
            try:
                structure = enumeration.crystal.build(ions)
            except UsageError as error:
                yield Rejection(name, (Problem("sites", error.message),), {"record": name})
            else:
                yield Record(raw.source, name, name, structure)


def require(config: PrototypesConfig, settings: "Settings", *, reparse: bool) -> list[str]:
    """Return the sources that the candidates of enumerations go by.

    Raises
    ------
    UsageError
        No enumeration is named, or one cannot be read or is not valid.
    """
    if not config.files and not reparse:
        raise UsageError("No enumeration is named.", "Name a YAML file; docs/sources.md shows one.")
    return [f"prototypes_{load_enumeration(Path(file)).name}" for file in config.files]


def refresh_source(
    config: PrototypesConfig, platform: "Platform", tell: Callable[[str], object]
) -> Refreshed:
    """Keep what the files enumerate.

    Raises
    ------
    UsageError
        A file cannot be read or is not valid, or two have the same name.
    """
    source = Prototypes([Path(file) for file in config.files])
    return refresh(source, platform.database, platform.objects)


def load_enumeration(path: Path) -> Enumeration:
    """Read an enumeration from a YAML file.

    Raises
    ------
    UsageError
        The file cannot be read, or says something the platform does not know.
    """
    return read_model(path, Enumeration, "enumeration")


def _read(raw: RawFile, file: BinaryIO) -> Enumeration:
    try:
        return Enumeration.model_validate_json(file.read())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise InvalidPoolError(
            f"The cached {raw.url} is no enumeration: {first}.", "Refresh the source."
        ) from None


def _charges(enumeration: Enumeration, species: tuple[str, ...]) -> tuple[int, ...] | None:
    """Return the charge on each site; None for a combination that is left out."""
    crystal, sites = enumeration.crystal, tuple(enumeration.sites)
    if len(set(species)) < len(species):
        return None
    if crystal.exchangeable is not None:
        one, other = (sites.index(site) for site in crystal.exchangeable)
        both = set(enumeration.sites[sites[one]]) & set(enumeration.sites[sites[other]])
        if species[one] > species[other] and {species[one], species[other]} <= both:
            return None
    if not crystal.anions:
        return (0,) * len(sites)
    anions = tuple(site in crystal.anions for site in sites)
    if enumeration.electronegativity and not are_separated(species, anions):
        return None
    total, charges = nearest_to_neutral(species, anions, tuple(crystal.sites[site] for site in sites))
    return charges if charges and (total == 0 or not enumeration.neutral) else None
