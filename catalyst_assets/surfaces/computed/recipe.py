"""All that adsorption energies depend on beside the crystal, as a document: its hash names what was computed alike."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from catalyst_assets.potentials.interface import Relaxation
from catalyst_assets.potentials.surface_settings import SurfaceSettings
from catalyst_assets.potentials.table import PotentialSpec, find_potential
from catalyst_assets.surfaces.adsorption import AdsorptionSettings, known_references
from catalyst_assets.surfaces.hubbard import metals_with_u
from catalyst_assets.surfaces.slabs import Facet, SlabSettings

if TYPE_CHECKING:
    from resources.settings import Settings

# Raised when the path computes something else from the same settings.
_RECIPE: Final = 2
_NOTHING_SAID: Final = SurfaceSettings()
Some = TypeVar("Some", SlabSettings, Relaxation, AdsorptionSettings)


def write_recipe(method: str, settings: "Settings", said: SurfaceSettings = _NOTHING_SAID) -> dict[str, Any]:
    """Return all that a potential's energies depend on, as JSON holds it.

    Raises
    ------
    UsageError
        There is no such potential, or no such set of gas references.
    """
    potential = find_potential(method, settings)
    document = {
        "recipe": _RECIPE,
        "potential": potential.decisive(),
        "settings": asdict(settings_for(potential, said)),
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


def settings_for(potential: PotentialSpec, said: SurfaceSettings = _NOTHING_SAID) -> AdsorptionSettings:
    """Return settings: what is said, then what the potential declares, then what is usual.

    Raises
    ------
    UsageError
        There is no such set of gas references.
    """
    wanted = said.over(potential.surfaces)
    usual = AdsorptionSettings()
    slab = _where_said(
        usual.slab,
        layers=wanted.layers,
        thickness=wanted.thickness,
        vacuum=wanted.vacuum,
        width=wanted.width,
    )
    return _where_said(
        replace(usual, with_u=metals_with_u(potential.functional)),
        slab=replace(slab, free_depth=None) if wanted.symmetric else slab,
        facets=tuple(map(_facet, wanted.facets)),
        most_facets=wanted.most_facets,
        surface=_where_said(usual.surface, largest_force=wanted.largest_force, most_steps=wanted.most_steps),
        references=known_references(wanted.references or usual.references).name,
    )


def is_default(recipe: Mapping[str, Any], potential: PotentialSpec) -> bool:
    """Tell whether a document holds the settings that are taken where nobody says others: only those make labels."""
    return read_settings(recipe) == settings_for(potential)


def _where_said(usual: Some, **said: Any) -> Some:
    return replace(usual, **{name: value for name, value in said.items() if value is not None})


def _facet(indices: Sequence[int]) -> Facet:
    h, k, l = indices  # noqa: E741 - what they are called
    return h, k, l
