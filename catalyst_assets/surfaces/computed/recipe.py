"""All that adsorption energies depend on beside the crystal, as a document: its hash names what was computed alike."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.potentials.interface import Relaxation
from catalyst_assets.potentials.table import PotentialSpec, find_potential
from catalyst_assets.surfaces.adsorption import AdsorptionSettings
from catalyst_assets.surfaces.hubbard import metals_with_u
from catalyst_assets.surfaces.slabs import Facet, SlabSettings

if TYPE_CHECKING:
    from resources.settings import Settings

# Raised when the path computes something else from the same settings.
_RECIPE: Final = 2


def write_recipe(
    method: str, settings: "Settings", adsorption: AdsorptionSettings | None = None
) -> dict[str, Any]:
    """Return all that a potential's energies depend on, as JSON holds it.

    Raises
    ------
    UsageError
        There is no such potential.
    """
    potential = find_potential(method, settings)
    document = {
        "recipe": _RECIPE,
        "potential": potential.decisive(),
        "settings": asdict(of_potential(adsorption or AdsorptionSettings(), potential)),
    }
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


def read_settings(recipe: Mapping[str, Any]) -> AdsorptionSettings:
    """Return the settings that a document holds."""
    held = dict(recipe["settings"])
    bulk = held.pop("bulk")
    return AdsorptionSettings(
        slab=SlabSettings(**held.pop("slab")),
        facets=tuple(_facet(each) for each in held.pop("facets")),
        with_u=tuple(held.pop("with_u")),
        bulk=None if bulk is None else Relaxation(**bulk),
        surface=Relaxation(**held.pop("surface")),
        **held,
    )


def of_potential(adsorption: AdsorptionSettings, potential: PotentialSpec) -> AdsorptionSettings:
    """Return settings with what a potential requires of them."""
    return replace(adsorption, with_u=metals_with_u(potential.functional))


def is_default(recipe: Mapping[str, Any]) -> bool:
    """Tell whether a document holds the settings that are taken where nobody says others: only those make labels."""
    return replace(read_settings(recipe), with_u=()) == AdsorptionSettings()


def _facet(indices: list[int]) -> Facet:
    h, k, l = indices  # noqa: E741 - what they are called
    return h, k, l
