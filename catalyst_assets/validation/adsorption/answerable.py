"""What the validator `adsorption` can be asked: which potentials, which properties, and whether one can be asked here."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.ingestion.derived.adsorption_labels import LABELS
from catalyst_assets.potentials.client import WorkerPotential
from catalyst_assets.potentials.table import find_potential
from catalyst_assets.surfaces.computed.recipe import write_recipe
from resources.settings import get_settings

if TYPE_CHECKING:
    from resources.settings import Settings

# By the property that asks for each.
ADSORBATES: Final[Mapping[str, str]] = {name: adsorbate for adsorbate, name in LABELS.items()}


def check_adsorption(method: str, properties: Collection[str]) -> None:
    """Refuse what no potential can be asked for.

    Raises
    ------
    UsageError
        The method is no potential, or a property is no adsorption energy.
    """
    find_potential(method, get_settings())
    foreign = sorted(set(properties) - ADSORBATES.keys())
    if foreign:
        raise UsageError(
            f"The validator adsorption answers no {', '.join(foreign)}; it answers {', '.join(sorted(ADSORBATES))}.",
            "Derive what follows from these (`derive`), or take another validator.",
        )


def adsorption_settings(method: str) -> dict[str, Any]:
    """Return all that the answers of a potential depend on beside the crystal.

    Raises
    ------
    UsageError
        There is no such potential.
    """
    return write_recipe(method, get_settings())


def why_not_asked(method: str | None, settings: "Settings") -> str:
    """Say what a potential lacks to be asked here, as sentences; empty where it can, or where none is named."""
    if method is None:
        return ""
    try:
        WorkerPotential.of(method, settings)
    except CatalystError as error:
        return str(error)
    return ""
