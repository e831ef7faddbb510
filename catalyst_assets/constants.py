"""Names that several stages share: asset groups, queues, pools, tags, kinds of network and known properties.

An import-free leaf: nothing here computes or imports another module of ours. A name used by one
stage only stays in that stage.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

Accelerator = Literal["auto", "cpu", "gpu"]
Architecture = Literal["mace", "schnet", "dimenet"]


class Group(StrEnum):
    """Asset groups, in the order a material travels through them."""

    INGESTION = "ingestion"
    REPRESENTATION = "representation"
    LABELS = "labels"
    LEARNING = "learning"
    PREDICTION = "prediction"
    ACQUISITION = "acquisition"
    VALIDATION = "validation"


class Queue(StrEnum):
    """Where a step may run; also its concurrency pool."""

    INGEST = "ingest"
    PREDICT = "predict"
    VALIDATE = "validate"
    GPU = "gpu"


def op_tags(queue: Queue) -> dict[str, str]:
    """Return the tags by which an executor places a step."""
    return {"dagster-celery/queue": queue.value, "catalyst/queue": queue.value}


CAMPAIGN_TAG: Final = "catalyst/campaign"
ATTEMPT_TAG: Final = "catalyst/attempt"
OWNERS: Final = ["team:catalyst"]
_ROUNDING: Final = 1e-6


@dataclass(frozen=True)
class Property:
    """A property that campaigns can name.

    Attributes
    ----------
    unit
        Unit of every stored value.
    low, high
        Range outside which a value is refused as unphysical, in ``unit``.
    typical_mean, typical_std
        What to expect of a material before anything was measured, in ``unit``.
    description
        One line for people.
    """

    unit: str
    low: float
    high: float
    typical_mean: float
    typical_std: float
    description: str

    def without_rounding(self, value: float) -> float:
        """Return a value, or the end of the range where it lies past it by no more than rounding.

        Energies are published with six decimals, and a hull computed from them gives -2e-16 to -1e-6 on it.
        """
        nearest = min(max(value, self.low), self.high)
        return nearest if abs(value - nearest) <= _ROUNDING * min(1.0, self.high - self.low) else value

    def admits(self, value: float) -> bool:
        """Say whether a value is physical; NaN is not."""
        return self.low <= self.without_rounding(value) <= self.high


PROPERTIES: Final[dict[str, Property]] = {
    "formation_energy_per_atom": Property(
        "eV/atom", -10.0, 10.0, -1.5, 1.0, "formation energy against the elements"
    ),
    "heat_of_formation": Property(
        "eV/atom", -10.0, 10.0, 0.8, 0.9, "formation energy against the pool of competing phases"
    ),
    "energy_above_hull": Property("eV/atom", 0.0, 10.0, 0.2, 0.3, "distance to the convex hull"),
    "energy_total": Property("eV", -1e6, 1e6, -25.0, 10.0, "calculated total energy of the cell"),
    "lattice_a": Property("Å", 1.0, 100.0, 4.0, 0.5, "relaxed cubic lattice constant"),
    "band_gap": Property("eV", 0.0, 30.0, 1.0, 1.5, "fundamental band gap"),
    "band_gap_direct": Property("eV", 0.0, 30.0, 1.0, 1.5, "smallest direct band gap"),
    "band_gap_indirect": Property("eV", 0.0, 30.0, 0.8, 1.4, "smallest band gap, direct or not"),
    "valence_band_direct": Property("eV", 0.0, 20.0, 6.5, 0.8, "valence band edge below vacuum, direct gap"),
    "conduction_band_direct": Property(
        "eV", -10.0, 20.0, 5.5, 1.0, "conduction band edge below vacuum, direct gap"
    ),
    "valence_band_indirect": Property("eV", 0.0, 20.0, 6.4, 0.8, "valence band edge below vacuum"),
    "conduction_band_indirect": Property("eV", -10.0, 20.0, 5.6, 1.0, "conduction band edge below vacuum"),
    "adsorption_energy_H": Property(
        "eV", -20.0, 20.0, 0.0, 0.7, "lowest energy of *H on a slab, against ½ H2"
    ),
    "adsorption_free_energy_H": Property(
        "eV", -20.0, 20.0, 0.24, 0.7, "free energy of adsorbed hydrogen, against ½ H2"
    ),
    "adsorption_energy_O": Property(
        "eV", -20.0, 20.0, 0.5, 2.0, "lowest energy of *O on a slab, against H2O − H2"
    ),
    "adsorption_energy_OH": Property(
        "eV", -20.0, 20.0, -0.5, 1.5, "lowest energy of *OH on a slab, against H2O − ½ H2"
    ),
    "oxygen_evolution_overpotential": Property(
        "V", 0.0, 30.0, 1.0, 0.8, "theoretical overpotential of oxygen evolution"
    ),
}

METHODS: Final[dict[str, str]] = {
    "PBE": "Perdew-Burke-Ernzerhof generalized gradient approximation",
    "PBE+U": "PBE with Hubbard corrections",
    "PBE/PBE+U": "PBE, with Hubbard corrections for the elements that the source corrects",
    "r2SCAN": "restored-regularized SCAN meta-GGA",
    "GGA/GGA+U/r2SCAN": "Materials Project's mix of corrected PBE, PBE+U and r2SCAN energies on one hull",
    "RPBE": "revised PBE generalized gradient approximation of Hammer, Hansen and Nørskov",
    "GLLB-SC": "Gritsenko-van Leeuwen-van Lenthe-Baerends potential with derivative discontinuity",
    "HSE06": "screened hybrid functional",
    "experiment": "measured in a laboratory",
}


def unit_of(name: str) -> str:
    """Return the unit of a property, empty for one the platform does not know."""
    known = PROPERTIES.get(name)
    return known.unit if known is not None else ""


def title_of(name: str) -> str:
    """Return an identifier as people write it: ``band_gap_direct`` becomes ``Band gap direct``."""
    return name[:1].upper() + name[1:].replace("_", " ")
