"""Which shards there are, by what an asset's configuration says; one is plain JSON, that any process can take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.documents import hash_document
from catalyst_assets.errors import UsageError
from catalyst_assets.potentials.client import WorkerPotential
from catalyst_assets.potentials.relaxed.chosen import chosen_potential
from catalyst_assets.potentials.surface_settings import SurfaceSettings
from catalyst_assets.potentials.table import find_potential
from catalyst_assets.surfaces.adsorption import known_adsorbates
from catalyst_assets.surfaces.computed.choosing import Choice, choose_materials, cut_shards, waiting
from catalyst_assets.surfaces.computed.recipe import is_default, read_settings, write_recipe
from catalyst_assets.surfaces.slabs import Facet

if TYPE_CHECKING:
    from resources.platform import Platform

_INDICES: Final = 3


@dataclass(frozen=True)
class Planned:
    """Shards, and how many materials wait beyond those that they hold, of how many that were chosen."""

    shards: tuple[dict[str, Any], ...]
    beyond: int
    chosen: int

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Materials in shards, materials that were chosen, shards, materials that wait beyond."""
        held = sum(len(shard["materials"]) for shard in self.shards)
        return held, self.chosen, len(self.shards), self.beyond


def plan_adsorption(
    platform: "Platform",
    choice: Choice,
    potential: str | None,
    adsorbates: Sequence[str],
    said: SurfaceSettings,
    *,
    again: bool = False,
) -> Planned:
    """Cut the chosen materials that lack an energy into shards; with ``again`` those, too, of which a part was refused.

    Raises
    ------
    UsageError
        No potential is chosen, or something that is named is not known.
    PotentialError
        Its environment is not installed.
    """
    method = potential or chosen_potential(platform.settings)
    names = [each.name for each in known_adsorbates(adsorbates)]
    recipe = write_recipe(method, platform.settings, said)
    wanted = read_settings(recipe)
    WorkerPotential.of(method, platform.settings)
    materials = choose_materials(platform.database, choice)
    with platform.database.transaction() as connection:
        rows = waiting(connection, materials, names, method, hash_document(recipe), again=again)
    most = len(rows) if choice.materials else choice.most
    cut = cut_shards(platform.settings, rows[:most], len(wanted.facets) or wanted.most_facets)
    spec = find_potential(method, platform.settings)
    kept = {"licence": spec.terms(), "by_default": is_default(recipe, spec)}
    about = kept | {"method": method, "recipe": recipe, "adsorbates": names, "again": again}
    shards = tuple(about | {"materials": shard} for shard in cut)
    return Planned(shards, max(len(rows) - most, 0), len(materials))


def read_facet(indices: Sequence[int]) -> Facet:
    """Return a facet of its Miller indices.

    Raises
    ------
    UsageError
        They are not three, or all of them 0.
    """
    if len(indices) != _INDICES or not any(indices):
        raise UsageError(f"{list(indices)} is no facet.", "Write three Miller indices, not all of them 0.")
    h, k, l = indices  # noqa: E741 - what they are called
    return h, k, l
