"""A small pool in three iterations, with predictions, answers and decisions, that pages of candidates are listed from."""

import json
from typing import Any

import sqlalchemy as sa

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.platform import Platform
from resources.postgres.database import Role, copy_rows

CAMPAIGN = "oxide-perovskites-demo"
GAP = "band_gap_direct"
# Formula, elements, gap and its deviation, formation energy, feasibility.
POOL = [
    ("SrTiO3", ["O", "Sr", "Ti"], 1.8, 0.1, -3.4, 0.9),
    ("BaTiO3", ["Ba", "O", "Ti"], 1.7, 0.2, -3.3, 0.8),
    ("PbTiO3", ["O", "Pb", "Ti"], 1.5, 0.3, -2.6, 0.7),
    ("KNbO3", ["K", "Nb", "O"], 1.4, 0.1, -2.9, 0.6),
    ("CsPbI3", ["Cs", "I", "Pb"], 1.2, 0.4, -1.4, 0.1),
    ("TiO2", ["O", "Ti"], 1.8, 0.4, -3.0, 0.5),
]
FORMULAS = [row[0] for row in POOL]


def perovskite() -> dict[str, Any]:
    """A cubic perovskite as pymatgen writes it."""
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    return dict(Structure(Lattice.cubic(3.9), ["Sr", "Ti", "O", "O", "O"], sites).as_dict())


def prepare_pool(platform: Platform) -> None:
    """Write it."""
    database = platform.database
    with database.transaction(Role.PIPELINE) as connection:
        copy_rows(
            connection,
            "materials",
            ["material_id", "reduced_formula", "chemical_system", "elements", "n_sites", "structure_json",
             "structure_hash"],
            [
                (f"p:{name}", name, "-".join(elements), elements, 5, perovskite(), f"{number:064x}")
                for number, (name, elements, *_) in enumerate(POOL)
            ],
        )  # fmt: skip
    campaign = ReviewedCampaign(database).start()
    first, _ = (campaign.rank(iteration, [f"p:{name}" for name in FORMULAS]) for iteration in (0, 1))
    campaign.rank(2, [f"p:M{place:03d}" for place in range(40)])
    with database.transaction(Role.PIPELINE) as connection:
        for name, _, gap, deviation, energy, feasibility in POOL:
            predicted = {
                GAP: {"mean": gap, "std": deviation, "unit": "eV"},
                "formation_energy_per_atom": {"mean": energy, "std": 0.05, "unit": "eV/atom"},
            }
            connection.execute(
                sa.text(
                    "UPDATE candidates SET predicted = CAST(:predicted AS jsonb), feasibility = :feasibility"
                    " WHERE material_id = :material AND partition_key <> :later"
                ),
                {
                    "predicted": json.dumps(predicted),
                    "feasibility": feasibility,
                    "material": f"p:{name}",
                    "later": campaign.key(2),
                },
            )
        connection.execute(
            sa.text(
                "UPDATE materials SET properties = CAST(:known AS jsonb) WHERE material_id = 'p:SrTiO3';"
                "INSERT INTO material_sources VALUES ('p', 'SrTiO3', 'p:SrTiO3', '', 'CC0', now())"
            ),
            {"known": json.dumps({GAP: [{"value": 1.77, "unit": "eV", "method": "PBE", "source": "p"}]})},
        )
    one, two, _, four, *_ = first
    for candidate in (one, two, four):
        campaign.move(candidate, "flagged", "in_validation")
    campaign.answer(0, "p:SrTiO3", 1.5, -2.5)  # a hit
    campaign.answer(0, "p:BaTiO3", 1.6, -1.9)  # not stable enough
    campaign.answer(0, "p:KNbO3", None, None)
    campaign.predict(0, {"p:SrTiO3": (1.75, -3.3)})
    campaign.move(one, "validated")
    campaign.move(two, "rejected", reason="not stable", kind="poor")
