"""A campaign that a laboratory answers, as the loop leaves it in the database, with what an iteration needs to open."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import sqlalchemy as sa

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.loop.advance import Advance, advance_campaign
from catalyst_assets.loop.looks import find_due
from catalyst_assets.representation.noted import current_features, note_features
from catalyst_assets_tests.crystals import publish_seeded
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import SHA, ReviewedCampaign
from resources.platform import Platform
from resources.postgres.database import Role, Row, fetch_all

LABORATORY = load_campaign("oxide-perovskites-demo").document | {
    "pool": {"elements": ["Ag"]},
    "validator": "laboratory",
    "review": "manual",
    "initial_batch": 3,
    "stop": {},
}

_REST_OF_THE_POOL = """
INSERT INTO materials (material_id, reduced_formula, chemical_system, elements, n_sites, structure_json, structure_hash)
SELECT 'p:rest', reduced_formula, chemical_system, elements, n_sites, structure_json, structure_hash
FROM materials LIMIT 1 ON CONFLICT DO NOTHING
"""


def publish_features(platform: Platform) -> None:
    """Publish a network, and note that the structure of every material has features."""
    fingerprint = publish_seeded(platform.objects, seed=0).fingerprint
    with platform.database.transaction() as connection:
        note_features(connection, fingerprint, [SHA])
        assert current_features(connection, platform.objects) is not None


@dataclass
class Followed:
    """A campaign, and looks at it."""

    platform: Platform
    instance: dg.DagsterInstance
    name: str = "followed"
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        document = LABORATORY | {"name": self.name} | self.changes
        self.reviewed = ReviewedCampaign(self.platform.database, self.name, document).start()

    def rank(self, iteration: int, materials: Sequence[str], *, flag: int = 0) -> list[int]:
        """Rank materials, flag the first of them, and leave one in the pool that is not ranked."""
        candidates = self.reviewed.rank(iteration, materials)
        with self.platform.database.transaction() as connection:
            connection.execute(sa.text(_REST_OF_THE_POOL))
        for candidate in candidates[:flag]:
            self.reviewed.move(candidate, "flagged")
        return candidates

    def insert(self, iteration: int | None, material: str, **values: float) -> None:
        """Write results straight into the table, as psql would by the validator's role."""
        with self.platform.database.transaction(Role.VALIDATOR) as connection:
            for name, value in values.items():
                connection.execute(
                    sa.text(
                        "INSERT INTO validation_results"
                        " (partition_key, material_id, property, method, outcome, value, unit, validator)"
                        " VALUES (:key, :material, :name, 'PBE', 'measured', :value, :unit, 'laboratory')"
                    ),
                    {
                        "key": None if iteration is None else self.reviewed.key(iteration),
                        "material": material,
                        "name": name,
                        "value": value,
                        "unit": "eV" if name.startswith("band") else "eV/atom",
                    },
                )

    def advance(self) -> Advance:
        """Look at it once."""
        advance = advance_campaign(self.platform, self.instance, self.name)
        assert advance is not None
        return advance

    def is_due(self) -> bool:
        """Tell whether the loop would look at it."""
        return self.name in find_due(self.platform.database).campaigns

    def iterations(self) -> list[Row]:
        """Return its iterations."""
        with self.platform.database.transaction() as connection:
            return fetch_all(connection, "loop/iterations", campaign=self.name)

    def labels(self, iteration: int) -> set[tuple[str, str, float]]:
        """Return the validated labels of an iteration."""
        with self.platform.database.transaction() as connection:
            rows = fetch_all(connection, "loop/iteration_labels", partition_key=self.reviewed.key(iteration))
        return {
            (row["material_id"], row["property"], row["value"])
            for row in rows
            if row["origin"] == "validated"
        }

    def statuses(self, iteration: int) -> dict[str, str]:
        """Return the status of each candidate by its material."""
        with self.platform.database.transaction() as connection:
            rows = connection.execute(
                sa.text(
                    "SELECT material_id, CAST(status AS text) FROM candidates WHERE partition_key = :key"
                ),
                {"key": self.reviewed.key(iteration)},
            )
            return dict(rows.tuples().all())
