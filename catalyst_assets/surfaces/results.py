"""What comes out: adsorption energies site by site, the lowest of them, and what has no energy and why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from catalyst_assets.surfaces.anomalies import Anomaly
from catalyst_assets.surfaces.slabs import Facet

if TYPE_CHECKING:
    from ase import Atoms


# Energies of one slab that differ by less are the same to a relaxation, in eV.
SAME_ENERGY: Final = 0.02


@dataclass(frozen=True)
class Refusal:
    """What has no answer.

    Attributes
    ----------
    bulk
        Name of the crystal.
    stage
        Where it ended.
    name
        What it was there: the bulk itself, a slab's name, or that of an adsorbed state.
    reason
        Why, in a sentence.
    adsorbate
        Whose energy lacks; None where it is that of all.
    """

    bulk: str
    stage: Literal["bulk", "slab", "adsorption"]
    name: str
    reason: str
    adsorbate: str | None = None


@dataclass(frozen=True, eq=False)
class AdsorptionResult:
    """What a potential says of one adsorbed state.

    A state that moved to another site is no anomaly, as it is none in OC20: its energy is the sound one of a minimum,
    namely of the site where it ended, and so it counts for the lowest site under that name. `moved` says so, and keeps
    its energy from being taken for that of the site where it began.

    Attributes
    ----------
    bulk, formula
        Name and reduced formula of the crystal.
    facet, termination, shift, top
        As in `Slab`.
    adsorbate
        Its formula.
    site, ended_at
        Where it was placed, and the site above which it came to rest.
    energy_ev
        E(slab with adsorbate) − E(slab) − `reference_energy_ev`; NaN never: what has none is a `Refusal`.
    slab_energy_ev, reference_energy_ev
        What was subtracted.
    references
        Name of the set, and the equation of its molecules: ``OC20: 1/2 H2``.
    anomaly
        Why it is no label; None for one that is.
    steps, largest_force
        Of its relaxation; the force in eV/Å.
    method
        The potential's.
    atoms
        As it ended.
    """

    bulk: str
    formula: str
    facet: Facet
    termination: int
    shift: float
    top: bool
    adsorbate: str
    site: str
    ended_at: str
    energy_ev: float
    slab_energy_ev: float
    reference_energy_ev: float
    references: str
    anomaly: Anomaly | None
    steps: int
    largest_force: float
    method: str
    atoms: "Atoms"

    @property
    def slab_name(self) -> str:
        """Of its slab, as `Slab.name` is."""
        return f"{self.bulk}/{','.join(map(str, self.facet))}/{self.termination}"

    @property
    def moved(self) -> bool:
        """Whether it came to rest at another site than it was placed on."""
        return self.ended_at != self.site
