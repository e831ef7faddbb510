"""A small campaign whose labels become known in portions, so that each turn's model learns from more."""

import hashlib
import json
from functools import cache
from typing import TYPE_CHECKING

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.learning.recording import RecordedTraining, train_and_record
from catalyst_assets.learning.training_set import build_training_set, store_training_set
from catalyst_assets.loop.campaigns import close_iteration, open_iteration, start_campaign
from catalyst_assets.partitions import IterationKey
from catalyst_assets.representation.stage import embed_shard, plan_shards
from catalyst_assets_tests.crystals import publish_seeded, rock_salt
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import copy_rows, execute

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

CAMPAIGN = Campaign.model_validate(
    {
        "name": "salts",
        "pool": {"n_sites_max": 8},
        "objective": {"property": "formation_energy_per_atom", "direction": "minimize"},
        "acquisition": {"strategy": "greedy"},
        "method": "PBE",
        "validator": "laboratory",
        "test_fraction": 0,
    }
)
_CATIONS = ("Mg", "Ca", "Sr", "Ba", "Mn", "Fe", "Co", "Ni", "Zn", "Cd")
_SIZES = {"O": 4.3, "S": 5.3, "Se": 5.6}


@cache
def salts() -> "dict[str, Structure]":
    """Structures by material: every cation once before any comes again, with another anion."""
    return {
        f"t:{cation}{anion}": rock_salt(cation, anion, _SIZES[anion] + 0.05 * row)
        for turn in range(3)
        for row, cation in enumerate(_CATIONS)
        for anion in [[*_SIZES][(row + turn) % 3]]
    }


def _energy(salt: "Structure") -> float:
    """Return an energy that is a matter of the cation: it is guessed at until the cation was seen, then known."""
    cation, anion = salt[0].specie.symbol, salt[-1].specie.symbol
    lot = int(hashlib.sha256(f"{cation}3".encode()).hexdigest(), 16) % 1000
    return -lot / 500 - 0.3 * [*_SIZES].index(anion)


def load_salts(platform: Platform, campaign: Campaign = CAMPAIGN) -> None:
    """Store the materials, their features and the campaign."""
    columns = ["material_id", "reduced_formula", "chemical_system", "elements", "n_sites", "structure_json"]
    with platform.database.transaction() as connection:
        copy_rows(
            connection,
            "materials",
            [*columns, "structure_hash"],
            (
                (
                    name,
                    salt.composition.reduced_formula,
                    salt.chemical_system,
                    sorted({site.symbol for site in salt.species}),
                    len(salt),
                    json.loads(salt.to_json()),
                    hashlib.sha256(name.encode()).hexdigest(),
                )
                for name, salt in salts().items()
            ),
        )
    publish_seeded(platform.objects, seed=0)
    for shard in plan_shards(platform):
        embed_shard(platform.database, platform.objects, shard)
    start_campaign(platform.database, campaign)


def prepare_turn(platform: Platform, number: int, n_labelled: int, campaign: Campaign = CAMPAIGN) -> str:
    """Open a turn that knows the labels of so many materials, with its training set; return its key."""
    for material, salt in list(salts().items())[:n_labelled]:
        entry = {"value": _energy(salt), "unit": "eV/atom", "method": "PBE", "source": "t"}
        query(
            platform,
            "UPDATE materials SET properties = CAST(:p AS jsonb) WHERE material_id = :m RETURNING 1",
            p=json.dumps({"formation_energy_per_atom": [entry]}),
            m=material,
        )
    key = IterationKey(campaign.name, number)
    with platform.database.transaction() as connection:
        if key.parent is not None:
            execute(connection, "acquisition/mark_ranked", partition_key=str(key.parent))
            close_iteration(connection, key.parent)
        open_iteration(connection, campaign, key)
    built = build_training_set(platform.database, platform.objects, str(key))
    store_training_set(platform.database, platform.objects, str(key), built)
    return str(key)


def run_turn(
    platform: Platform, number: int, n_labelled: int, campaign: Campaign = CAMPAIGN
) -> RecordedTraining:
    """Open a turn and train it as the asset does."""
    key = prepare_turn(platform, number, n_labelled, campaign)
    return train_and_record(platform, platform.tracking, key, f"dagster-run-{number}")
