"""What adsorption energies depend on: what is asked for, what a potential declares, and what is usual."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalyst_assets.documents import hash_document
from catalyst_assets.errors import UsageError
from catalyst_assets.potentials.surface_settings import SurfaceSettings
from catalyst_assets.potentials.table import find_potential
from catalyst_assets.surfaces.adsorption import AdsorptionSettings
from catalyst_assets.surfaces.computed.recipe import is_default, read_settings, write_recipe
from catalyst_assets.surfaces.hubbard import metals_with_u
from resources.settings import Settings, load_settings


def declaring(folder: Path, surfaces: dict[str, Any]) -> Settings:
    """Return settings of an installation whose potential `own` declares something of surfaces."""
    own = {
        "python": sys.executable,
        "kind": "calculator",
        "factory": "ase.calculators.emt:EMT",
        "functional": "none",
        "surfaces": surfaces,
    }
    file = folder / "potentials.yaml"
    file.write_text(yaml.safe_dump({"potentials": {"own": own}}), encoding="utf-8")
    return load_settings(home=folder, potentials_file=file)


def test_a_recipe_holds_all_settings_and_the_weights(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    said = SurfaceSettings(facets=((1, 0, 0), (1, 1, 1)), references="CH4", symmetric=True, most_steps=50)
    recipe = write_recipe("sevennet-0", settings, said)

    read, usual = read_settings(recipe), AdsorptionSettings()
    assert (read.facets, read.references, read.surface.most_steps) == (said.facets, "CH4", 50)
    assert read.slab == replace(usual.slab, free_depth=None)
    assert read.surface.largest_force == usual.surface.largest_force
    assert read.with_u == metals_with_u("PBE+U")
    sevennet = find_potential("sevennet-0", settings)
    assert is_default(write_recipe("sevennet-0", settings), sevennet)
    assert not is_default(recipe, sevennet)
    others = [
        write_recipe("sevennet-0", settings),
        write_recipe("sevennet-l3i5", settings, said),
        write_recipe("sevennet-0", settings, SurfaceSettings(most_facets=1).over(said)),
    ]
    assert len({hash_document(each) for each in (recipe, *others)}) == 4
    assert hash_document(write_recipe("sevennet-0", settings, said)) == hash_document(recipe)


def test_what_a_potential_declares_of_surfaces_is_its_default_and_who_asks_says_otherwise(
    tmp_path: Path,
) -> None:
    declared = {"facets": [[1, 0, 0]], "layers": 2, "vacuum": 9, "largest_force": 0.1, "symmetric": True}
    settings = declaring(tmp_path, declared)
    own = find_potential("own", settings)

    by_default = write_recipe("own", settings)
    asked = write_recipe("own", settings, SurfaceSettings(layers=5, symmetric=False))

    assert is_default(by_default, own)
    read = read_settings(by_default)
    assert (read.facets, read.slab.layers, read.slab.vacuum, read.slab.free_depth) == (
        ((1, 0, 0),), 2, 9.0, None
    )  # fmt: skip
    assert (read.surface.largest_force, read.surface.most_steps) == (0.1, 300)
    assert not is_default(asked, own)
    read = read_settings(asked)
    assert (read.facets, read.slab.layers, read.slab.free_depth) == (((1, 0, 0),), 5, 3.5)


@pytest.mark.parametrize(
    ("surfaces", "field"),
    [({"facets": [[0, 0, 0]]}, "not all 0"), ({"layer": 3}, "layer"), ({"vacuum": 2}, "vacuum")],
)
def test_what_no_surface_can_be_is_refused_with_the_file_and_the_field(
    tmp_path: Path, surfaces: dict[str, Any], field: str
) -> None:
    settings = declaring(tmp_path, surfaces)

    with pytest.raises(UsageError) as refused:
        find_potential("own", settings)

    assert str(settings.potentials_file) in str(refused.value)
    assert field in str(refused.value)
