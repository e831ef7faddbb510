"""What came of one crystal: its states and refusals as plain records, the lowest sound energy, or why there is none.

A record goes as JSON from the process that computes to the one that stores.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalyst_assets.errors import CatalystError
from catalyst_assets.ingestion.adsorption.records import ENERGY_RANGE_EV
from catalyst_assets.surfaces.adsorption import compute_adsorption
from catalyst_assets.surfaces.anomalies import Anomaly
from catalyst_assets.surfaces.results import AdsorptionResult, Refusal
from catalyst_assets.surfaces.slabs import Facet

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from catalyst_assets.potentials.interface import Potential
    from catalyst_assets.surfaces.adsorption import AdsorptionSettings

_MOST_TOLD: Final = 3
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class State(_Record):
    """One adsorbed state: what of an `AdsorptionResult` is stored."""

    formula: str
    facet: Facet
    termination: int
    shift: Finite
    top: bool
    adsorbate: str
    site: str
    ended_at: str
    energy_ev: Finite
    reference_energy_ev: Finite
    references: str
    anomaly: Anomaly | None
    steps: int
    largest_force: Finite
    binding: tuple[Finite, Finite, Finite]

    @property
    def name(self) -> str:
        """Of facet, termination, adsorbate and site, such as ``1,1,1/0/H/fcc-Pt3``."""
        return f"{','.join(map(str, self.facet))}/{self.termination}/{self.adsorbate}/{self.site}"


class Refused(_Record):
    """What of a crystal has no energy: the bulk, a slab, or a state.

    Attributes
    ----------
    name
        As `State.name`, as far as it goes; empty for the bulk.
    adsorbate
        Whose energy lacks; None where it is that of all.
    """

    name: str
    adsorbate: str | None
    reason: str


class Outcome(_Record):
    """What came of one crystal."""

    states: tuple[State, ...] = ()
    refused: tuple[Refused, ...] = ()

    @classmethod
    def refuse(cls, reason: str) -> "Outcome":
        """Return that of a crystal without an energy, for whatever adsorbate."""
        return cls(refused=(Refused(name="", adsorbate=None, reason=reason),))

    def of(self, adsorbate: str) -> "Outcome":
        """Return what of it concerns an adsorbate."""
        return Outcome(
            states=tuple(state for state in self.states if state.adsorbate == adsorbate),
            refused=tuple(each for each in self.refused if each.adsorbate in (None, adsorbate)),
        )

    def lowest(self, adsorbate: str) -> State | None:
        """Return the state of lowest energy without anomaly."""
        sound = [state for state in self.of(adsorbate).states if state.anomaly is None]
        return min(sound, key=lambda state: state.energy_ev, default=None)

    def lowest_together(self, adsorbates: Sequence[str]) -> "dict[str, State | None]":
        """Return the states of several adsorbates on the slab where their energies are lowest in sum; None where none has all."""
        slabs = dict.fromkeys((state.facet, state.termination) for state in self.states)
        best: dict[str, State | None] = dict.fromkeys(adsorbates)
        lowest = float("inf")
        for slab in slabs:
            own = Outcome(
                states=tuple(state for state in self.states if (state.facet, state.termination) == slab)
            )
            found = {adsorbate: own.lowest(adsorbate) for adsorbate in adsorbates}
            energies = [state.energy_ev for state in found.values() if state is not None]
            if len(energies) == len(adsorbates) and sum(energies) < lowest:
                best, lowest = found, sum(energies)
        return best

    def count_missing(self, adsorbate: str) -> str:
        """Say how many slabs and states of an adsorbate have no energy, that the lowest might have been; nothing for none."""
        own = self.of(adsorbate)
        if not own.refused:
            return ""
        return f"{len(own.refused)} of {len(own.refused) + len(own.states)} slabs and states without energy"

    def explain(self, adsorbate: str) -> str:
        """Say why there is no sound state; nothing where there is one."""
        if self.lowest(adsorbate) is not None:
            return ""
        own = self.of(adsorbate)
        kinds = Counter(state.anomaly for state in own.states)
        found = ", ".join(f"{count} {str(kind).replace('_', ' ')}" for kind, count in kinds.most_common())
        said = [f"{len(own.states)} states of {adsorbate} are none: {found}"] if own.states else []
        said += [f"{each.name or 'the crystal'}: {each.reason}" for each in own.refused[:_MOST_TOLD]]
        if len(own.refused) > _MOST_TOLD:
            said.append(f"and {len(own.refused) - _MOST_TOLD} more without an energy")
        return "; ".join(said) or f"no site for {adsorbate} was found"


def compute_outcomes(
    crystals: "Mapping[str, Structure]",
    adsorbates: Sequence[str],
    potential: "Potential",
    settings: "AdsorptionSettings",
    gases: dict[str, float] | None = None,
) -> dict[str, Outcome]:
    """Return what comes of crystals by their names, which may be any.

    Parameters
    ----------
    gases
        Energies of molecules by the same potential and settings, in eV; what is relaxed now is added.

    Raises
    ------
    UsageError
        An adsorbate or a set of references is not known.
    CatalystError
        The potential cannot start, or has no energy of a gas reference.
    """
    # Of slabs and states the names begin with the crystal's and a slash.
    plain = {str(number): name for number, name in enumerate(crystals)}
    numbered = {number: crystals[name] for number, name in plain.items()}
    gases = {} if gases is None else gases
    try:
        by_number = gather(compute_adsorption(numbered, adsorbates, potential, settings, gases))
    except (CatalystError, OSError):
        raise
    # Whatever pymatgen, ASE and spglib raise of one crystal: there is no class that all of it has.
    except Exception as error:
        if len(crystals) > 1:
            alone = [
                compute_outcomes({name: crystal}, adsorbates, potential, settings, gases)
                for name, crystal in crystals.items()
            ]
            return {name: outcome for each in alone for name, outcome in each.items()}
        reason = f"{type(error).__name__}: {error}"
        return dict.fromkeys(crystals, Outcome.refuse(reason))
    return {name: by_number.get(number, Outcome()) for number, name in plain.items()}


def gather(said: Iterable[AdsorptionResult | Refusal]) -> dict[str, Outcome]:
    """Return what was said of each crystal, by its name."""
    states: dict[str, list[State]] = {}
    refused: dict[str, list[Refused]] = {}
    low, high = ENERGY_RANGE_EV
    for each in said:
        if isinstance(each, Refusal):
            refused.setdefault(each.bulk, []).append(_refused(each))
            continue
        try:
            state = _state(each)
        except ValidationError:
            reason = "A number of it is not finite."
        else:
            if low <= state.energy_ev <= high:
                states.setdefault(each.bulk, []).append(state)
                continue
            reason = f"Its energy of {state.energy_ev:.3g} eV is outside {low:g} to {high:g} eV."
        name = f"{','.join(map(str, each.facet))}/{each.termination}/{each.adsorbate}/{each.site}"
        refused.setdefault(each.bulk, []).append(Refused(name=name, adsorbate=each.adsorbate, reason=reason))
    return {
        name: Outcome(states=tuple(states.get(name, ())), refused=tuple(refused.get(name, ())))
        for name in {*states, *refused}
    }


def _refused(said: Refusal) -> Refused:
    name = said.name.removeprefix(said.bulk).lstrip("/")
    return Refused(name=name, adsorbate=said.adsorbate, reason=said.reason)


def _state(result: AdsorptionResult) -> State:
    from catalyst_assets.surfaces.adsorbates import ADSORBATES

    x, y, z = result.atoms.positions[-len(ADSORBATES[result.adsorbate].symbols)].tolist()
    return State(
        formula=result.formula,
        facet=result.facet,
        termination=result.termination,
        shift=result.shift,
        top=result.top,
        adsorbate=result.adsorbate,
        site=result.site,
        ended_at=result.ended_at,
        energy_ev=float(result.energy_ev),
        reference_energy_ev=float(result.slab_energy_ev + result.reference_energy_ev),
        references=result.references,
        anomaly=result.anomaly,
        steps=result.steps,
        largest_force=float(result.largest_force),
        binding=(x, y, z),
    )
