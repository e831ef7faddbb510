"""Adsorption energies and the systems they belong to: what a parser gives, and what passes the checks.

An energy and what is known of its slab (bulk, facet, site, anomaly) come in files of their own and in either order;
each names its system.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Contents, Problem, Rejection

# Source of what a potential computed here.
COMPUTED: Final = "potential"
# Stands in the column `frame` for a relaxed state, which has no number of its own.
RELAXED: Final = -1
ENERGY_RANGE_EV: Final = (-20.0, 20.0)
# OCP writes 1e10 where there is no value.
_SENTINEL_EV: Final = 1e9
_LAST_FRAME: Final = 10**6
_ANOMALIES: Final = range(5)
_CLASSES: Final = range(4)
_SYSTEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ADSORBATE = re.compile(r"[A-Za-z0-9()]{1,40}")
_FORMULA = re.compile(r"([A-Z][a-z]?[0-9]*){1,20}")


@dataclass(frozen=True)
class AdsorptionEnergy:
    """What a file says of the energy of one adsorbed state.

    Attributes
    ----------
    place
        Where in the raw file it stands: its name in quarantine.
    frame
        Number in the trajectory; RELAXED for the relaxed state.
    adsorbate
        Formula without an asterisk, such as ``OH``.
    energy_ev
        Energy of the adsorbed state against the clean slab and the adsorbate's gas reference, in eV.
    reference_energy_ev
        That of slab and reference, in eV; None where the file says only the difference.
    """

    place: str
    system_id: str
    frame: int
    adsorbate: str
    energy_ev: float
    reference_energy_ev: float | None = None
    bulk_formula: str | None = None
    miller_index: tuple[int, ...] | None = None


@dataclass(frozen=True)
class AdsorptionSystem:
    """What is known of the slab, the site and the adsorbate of one system.

    Attributes
    ----------
    bulk_mpid
        The bulk's name in the Materials Project, spelled as `material_ids` does.
    shift, top
        Where the bulk was cut, as a fraction of its repeat, and whether the upper side was taken.
    adsorption_site
        Positions of the binding atoms in Å.
    anomaly
        0 none, 1 dissociation, 2 desorption, 3 reconstruction, 4 an adsorbate with a bad geometry.
    material_class
        0 intermetallic, 1 metalloid, 2 nonmetal, 3 halide.
    """

    place: str
    system_id: str
    adsorbate: str
    bulk_mpid: str | None
    bulk_formula: str | None
    miller_index: tuple[int, ...] | None
    shift: float | None
    top: bool | None
    adsorption_site: tuple[tuple[float, ...], ...] | None
    anomaly: int | None
    material_class: int | None


AdsorptionRecord = AdsorptionEnergy | AdsorptionSystem
Outcome = tuple[str, str, AdsorptionRecord | Problem | tuple[Problem, ...]]


class AdsorptionParser(ABC):
    """A parser whose records are energies or systems instead of crystals.

    Attributes
    ----------
    gives
        Which of the two.
    """

    is_snapshot = False
    is_index = False
    gives: Literal["energies", "systems"] = "energies"

    @abstractmethod
    def list_rows(self, raw: RawFile, file: BinaryIO) -> Iterable[tuple[str, str]]:
        """Yield place and name of each row, the name empty where it cannot be told.

        An energy's name is that of :func:`name_of`, a system's its own.

        Raises
        ------
        CatalystError
            The file is not what such a file is.
        """

    @abstractmethod
    def read_rows(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Outcome]:
        """Yield place, name, and either the record or what is wrong, of each row in ``[start, stop)``."""

    def survey(self, raw: RawFile, file: BinaryIO) -> Contents:
        """Count the rows, and find what comes twice.

        Raises
        ------
        CatalystError
            The file is not what such a file is.
        """
        return Contents.of_rows(self.list_rows(raw, file))

    def parse(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[AdsorptionRecord | Rejection]:
        """Yield a record or a rejection for each row in ``[start, stop)``."""
        for place, name, outcome in self.read_rows(raw, file, start, stop, duplicates):
            if isinstance(outcome, AdsorptionEnergy | AdsorptionSystem):
                yield outcome
            else:
                problems = (outcome,) if isinstance(outcome, Problem) else outcome
                yield Rejection.of(raw.url, place, name, problems)


def system_name(value: object) -> str:
    """Return a value that can name a system, and nothing for any other."""
    return value if isinstance(value, str) and _SYSTEM.fullmatch(value) else ""


def name_of(system_id: str, frame: int = RELAXED) -> str:
    """Return what names an energy within its source."""
    return system_id if frame == RELAXED else f"{system_id} frame{frame}"


def split_name(name: str) -> tuple[str, int]:
    """Return system and frame of what :func:`name_of` names."""
    system, _, frame = name.partition(" frame")
    return system, int(frame) if frame else RELAXED


def adsorbate_formula(symbols: Sequence[str]) -> str:
    """Return the formula of an adsorbate by its atoms: as OC20 writes OH, otherwise Hill's."""
    counts = {symbol: symbols.count(symbol) for symbol in symbols}
    if counts == {"O": 1, "H": 1}:
        return "OH"
    order = sorted(counts, key=lambda symbol: (symbol != "C", symbol != "H" or "C" not in counts, symbol))
    return "".join(f"{symbol}{counts[symbol] if counts[symbol] > 1 else ''}" for symbol in order)


def check_energy(record: AdsorptionEnergy) -> tuple[Problem, ...]:
    """Return what is wrong with an energy; nothing for one that may be loaded."""
    low, high = ENERGY_RANGE_EV
    problems = _common_problems(record)
    if not (record.frame == RELAXED or 0 <= record.frame <= _LAST_FRAME):
        problems.append(Problem("frame", f"{record.frame} is no number of a frame"))
    energies = {"energy": record.energy_ev, "reference_energy": record.reference_energy_ev}
    for name, value in energies.items():
        if value is not None and not math.isfinite(value):
            problems.append(Problem(name, f"{value} is not finite"))
        elif value is not None and abs(value) >= _SENTINEL_EV:
            problems.append(Problem(name, f"{value:g} eV stands for no value"))
    if not problems and not low <= record.energy_ev <= high:
        problems.append(Problem("energy", f"{record.energy_ev:g} eV is outside {low:g} to {high:g}"))
    return tuple(problems)


def check_system(record: AdsorptionSystem) -> tuple[Problem, ...]:
    """Return what is wrong with a system; nothing for one that may be loaded."""
    problems = _common_problems(record)
    numbers = [record.shift or 0.0, *(x for site in record.adsorption_site or () for x in site)]
    if not all(map(math.isfinite, numbers)):
        problems.append(Problem("shift, adsorption_site", "a number is not finite"))
    if record.anomaly is not None and record.anomaly not in _ANOMALIES:
        problems.append(Problem("anomaly", f"{record.anomaly} is none of 0 to 4"))
    if record.material_class is not None and record.material_class not in _CLASSES:
        problems.append(Problem("class", f"{record.material_class} is none of 0 to 3"))
    return tuple(problems)


def _common_problems(record: AdsorptionRecord) -> list[Problem]:
    problems = []
    if not system_name(record.system_id):
        problems.append(Problem("system_id", f"{shown(record.system_id)} is no name of a system"))
    if not _ADSORBATE.fullmatch(record.adsorbate):
        problems.append(Problem("adsorbate", f"{shown(record.adsorbate)} is no formula"))
    if record.bulk_formula is not None and not _FORMULA.fullmatch(record.bulk_formula):
        problems.append(Problem("bulk_formula", f"{shown(record.bulk_formula)} is no formula"))
    if record.miller_index is not None and not (
        len(record.miller_index) == 3
        and any(record.miller_index)
        and all(abs(index) <= 20 for index in record.miller_index)
    ):
        problems.append(Problem("miller_index", f"{record.miller_index} is no facet"))
    return problems
