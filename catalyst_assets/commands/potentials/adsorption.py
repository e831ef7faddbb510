"""`catalyst adsorption`: adsorption energies of some materials by a potential, site by site, for whoever wants to look."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform, require_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ase import Atoms
    from pymatgen.core.structure import Structure

    from catalyst_assets.potentials.interface import Answer, Potential, Relaxation
    from catalyst_assets.surfaces.computed.outcomes import Outcome
    from resources.settings import Settings

_TEXTS: Final = ["facet", "adsorbate", "site", "ended at", "anomaly"]


def adsorption(
    materials: Annotated[
        list[str],
        typer.Argument(help="Ids of materials in the database, or files: CIF, POSCAR and the like."),
    ],
    adsorbate: Annotated[
        list[str] | None,
        typer.Option("--adsorbate", help="H (default), O, OH, OOH, C, CO, N, NH; repeatable."),
    ] = None,
    potential: Annotated[
        str | None,
        typer.Option(
            "--potential", help="As `catalyst potentials list` has it (default CATALYST_POTENTIAL)."
        ),
    ] = None,
    facet: Annotated[
        list[str] | None,
        typer.Option(
            "--facet", help="Miller indices, such as 1,1,1; repeatable (default the densest planes)."
        ),
    ] = None,
    most_facets: Annotated[
        int | None, typer.Option(min=1, help="Of a crystal whose facets are not named (default 3).")
    ] = None,
    layers: Annotated[
        int | None, typer.Option(min=1, help="Layers of atoms of a slab at least (default 4).")
    ] = None,
    vacuum: Annotated[
        float | None, typer.Option(min=5, help="From a slab up to the next, in Å (default 15).")
    ] = None,
    symmetric: Annotated[
        bool | None,
        typer.Option(
            "--symmetric/--held", help="Slabs free as a whole and alike on both sides (default bottom held)."
        ),
    ] = None,
    references: Annotated[
        str | None, typer.Option(help="Gas references: OC20 (default), or CH4 for carbon by methane.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Compute adsorption energies: relax the bulk, cut slabs, relax the adsorbate on every site.

    Seconds to minutes a material. Energies are against gas references as OC20 takes them (½ H2; H2O − H2 for O). An
    asterisk marks the lowest site; what ended as an anomaly is shown and counts for nothing. Nothing is stored: the asset
    `adsorption_relaxations` and the validator `adsorption` do that. Exit code 1: a material has no sound energy.
    Slabs are as the potential's own `surfaces` says, where it declares them, before the defaults named here.
    """
    from catalyst_assets.potentials.client import WorkerPotential
    from catalyst_assets.potentials.relaxed.chosen import chosen_potential
    from catalyst_assets.potentials.surface_settings import SurfaceSettings
    from catalyst_assets.surfaces.adsorption import known_adsorbates
    from catalyst_assets.surfaces.computed.outcomes import compute_outcomes
    from catalyst_assets.surfaces.computed.planning import read_facet
    from catalyst_assets.surfaces.computed.recipe import settings_for
    from resources.settings import load_settings

    settings = load_settings(home=home)
    adsorbates = [each.name for each in known_adsorbates(adsorbate or ["H"])]
    said = SurfaceSettings(
        layers=layers,
        vacuum=vacuum,
        symmetric=symmetric,
        facets=tuple(read_facet(_indices(each)) for each in facet or ()),
        most_facets=most_facets,
        references=references,
    )
    asked = WorkerPotential.of(
        potential or chosen_potential(settings), settings, tell=lambda said: typer.echo(said, err=True)
    )
    wanted = settings_for(asked.spec, said)
    crystals = _read(materials, settings, home)
    outcomes = compute_outcomes(crystals, adsorbates, _Telling(asked), wanted)
    if as_json:
        told = {"method": asked.method, "materials": {name: _json(each) for name, each in outcomes.items()}}
        typer.echo(json.dumps(told, indent=2))
    else:
        _show(outcomes, asked.method)
    if not all(each.lowest(name) for each in outcomes.values() for name in adsorbates):
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Telling:
    """A potential that tells of every stage before it begins."""

    asked: "Potential"

    @property
    def method(self) -> str:
        return self.asked.method

    def evaluate(self, structures: "Mapping[str, Atoms]") -> "Iterator[Answer]":
        self._tell("energies", structures)
        return self.asked.evaluate(structures)

    def describe(self, structures: "Mapping[str, Atoms]") -> "Iterator[Answer]":
        return self.asked.describe(structures)

    def relax(self, structures: "Mapping[str, Atoms]", wanted: "Relaxation") -> "Iterator[Answer]":
        self._tell("relaxations with the cell" if wanted.cell else "relaxations", structures)
        return self.asked.relax(structures, wanted)

    def _tell(self, what: str, structures: "Mapping[str, Atoms]") -> None:
        if structures:
            largest = max(map(len, structures.values()))
            typer.echo(f"{self.method}: {what}, {len(structures)} of at most {largest} atoms each", err=True)


def _read(materials: list[str], settings: "Settings", home: Path | None) -> "dict[str, Structure]":
    """Return the structures that are asked for: a name that is a file's, or has no colon, is a file's.

    Raises
    ------
    UsageError
        A file cannot be read, or a material is not there.
    """
    from catalyst_assets.errors import UsageError
    from catalyst_assets.ingestion.reading.files import read_structures
    from catalyst_assets.surfaces.computed.choosing import load_structures

    crystals: dict[str, Structure] = {}
    ids = [name for name in materials if ":" in name and not Path(name).is_file()]
    if ids:
        require_database(settings)
        with open_platform(home) as platform:
            crystals = load_structures(platform.database, ids)
    for name in materials:
        if name not in crystals:
            for entry, found in read_structures(Path(name), name):
                if isinstance(found, str):
                    raise UsageError(
                        found, "Name a material by its id, such as materials_project:mp-30, or a file."
                    )
                crystals[entry] = found
    return crystals


def _indices(written: str) -> list[int]:
    from catalyst_assets.errors import UsageError

    try:
        return [int(part) for part in written.split(",")]
    except ValueError:
        raise UsageError(f"{written!r} is no facet.", "Write Miller indices such as 1,1,1.") from None


def _json(outcome: "Outcome") -> dict[str, Any]:
    lowest = {state.adsorbate: outcome.lowest(state.adsorbate) for state in outcome.states}
    document = outcome.model_dump(mode="json")
    return document | {"lowest": {name: state and state.energy_ev for name, state in lowest.items()}}


def _show(outcomes: "dict[str, Outcome]", method: str) -> None:
    from rich.console import Console

    from catalyst_assets.commands.tables import narrow_table

    console = Console(markup=False, highlight=False)
    for name, outcome in outcomes.items():
        table = narrow_table(f"{name} by {method}", _TEXTS, ["eV", "steps", ""])
        for state in sorted(outcome.states, key=lambda state: (state.adsorbate, state.energy_ev)):
            facet = (
                "("
                + " ".join(map(str, state.facet))
                + ")"
                + (f" {state.termination}" if state.termination else "")
            )
            table.add_row(
                facet,
                state.adsorbate,
                state.site,
                state.ended_at if state.ended_at != state.site else "",
                (state.anomaly or "").replace("_", " "),
                f"{state.energy_ev:.3f}",
                str(state.steps),
                "*" if state is outcome.lowest(state.adsorbate) else "",
            )
        if outcome.states:
            console.print(table)
        else:
            console.print(f"{name} by {method}: no energy.")
        for each in outcome.refused:
            console.print(f"{each.name or 'the crystal'}: {each.reason}", soft_wrap=True)
