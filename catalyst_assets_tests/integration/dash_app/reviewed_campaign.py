"""A campaign as the loop leaves it in the database, written by the roles that write it there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from catalyst_assets.campaigns.history import read_history
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.representation.neighbours import N_COMPONENTS
from catalyst_assets_tests.results import submit_results
from resources.postgres.database import Database, Role, copy_rows, execute

PROPERTIES = ["band_gap_direct", "formation_energy_per_atom"]
SHA = "0" * 64
N_DRAWS = 32


def cubic_cell(formula: str) -> dict[str, Any]:
    """A structure as pymatgen writes it, with the sites of AgAlO3 whatever the formula."""
    sites = [("Ag", [0.5, 0.5, 0.5]), ("Al", [0.0, 0.0, 0.0])]
    sites += [("O", [0.5, 0.0, 0.0]), ("O", [0.0, 0.5, 0.0]), ("O", [0.0, 0.0, 0.5])]
    return {
        "@class": "Structure",
        "formula": formula,
        "lattice": {"a": 3.9, "b": 3.9, "c": 3.9, "alpha": 90.0, "beta": 90.0, "gamma": 90.0},
        "sites": [{"label": label, "abc": position} for label, position in sites],
    }


@dataclass
class ReviewedCampaign:
    """Writes iterations and answers of one campaign.

    Parameters
    ----------
    database
        Migrated; materials are added as they are ranked.
    """

    database: Database
    name: str = "oxide-perovskites-demo"
    document: dict[str, Any] = field(default_factory=lambda: load_campaign("oxide-perovskites-demo").document)

    def start(self) -> "ReviewedCampaign":
        with self.database.transaction(Role.PIPELINE) as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO campaigns (name, document, sha256) VALUES (:name, CAST(:document AS jsonb), :sha)"
                ),
                {"name": self.name, "document": json.dumps(self.document), "sha": SHA},
            )
        return self

    def key(self, iteration: int) -> str:
        return f"{self.name}__{iteration:04d}"

    def open(self, iteration: int, materials: Sequence[str], formulas: Sequence[str] | None = None) -> int:
        """Open an iteration over ``materials``; return the version that its predictions go by."""
        key = self.key(iteration)
        names = formulas or [material.partition(":")[2] or material for material in materials]
        with self.database.transaction(Role.PIPELINE) as connection:
            known = set(connection.execute(sa.text("SELECT material_id FROM materials")).scalars())
            copy_rows(
                connection,
                "materials",
                ["material_id", "reduced_formula", "chemical_system", "elements", "n_sites",
                 "structure_json", "structure_hash"],
                (
                    (material, formula, "Ag-Al-O", ["Ag", "Al", "O"], 5, cubic_cell(formula), SHA)
                    for material, formula in zip(materials, names, strict=True)
                    if material not in known
                ),
            )  # fmt: skip
            connection.execute(
                sa.text(
                    "INSERT INTO active_learning_runs (partition_key, campaign, iteration, parent, campaign_sha256,"
                    " document, status, label_count, label_sha256) VALUES (:key, :campaign, :iteration, :parent,"
                    " :sha, CAST(:document AS jsonb), 'ranked', :labels, :sha)"
                ),
                {
                    "key": key,
                    "campaign": self.name,
                    "iteration": iteration,
                    "parent": self.key(iteration - 1) if iteration else None,
                    "document": json.dumps(self.document),
                    "labels": 20 * iteration,
                    "sha": SHA,
                },
            )
            version: int = connection.execute(
                sa.text("SELECT version FROM open_prediction_version(:key, :sha, :sha, :properties, 32)"),
                {"key": key, "sha": SHA, "properties": PROPERTIES},
            ).scalar_one()
            return version

    def rank(
        self, iteration: int, materials: Sequence[str], formulas: Sequence[str] | None = None
    ) -> list[int]:
        """Open an iteration and rank ``materials`` in this order; return the candidates' ids."""
        key, version = self.key(iteration), self.open(iteration, materials, formulas)
        with self.database.transaction(Role.PIPELINE) as connection:
            history = read_history(connection, Campaign.model_validate(self.document), iteration)
            connection.execute(
                sa.text(
                    "INSERT INTO rankings (partition_key, prediction_version, strategy, exploration_weight,"
                    " batch_size, seed, label_sha256, features_sha256, ranking_sha256, history) VALUES (:key, :version,"
                    " 'probability_of_feasibility', 0.3, 10, 0, :sha, :sha, :sha, CAST(:history AS jsonb))"
                ),
                {"key": key, "version": version, "sha": SHA, "history": json.dumps(history.to_json())},
            )
            n = len(materials)
            copy_rows(
                connection,
                "candidates",
                ["partition_key", "material_id", "rank", "acquisition", "feasibility", "predicted"],
                (
                    (key, material, place + 1, 1 - place / n, 0.95 * (1 - place / n), predicted(place, n))
                    for place, material in enumerate(materials)
                ),
            )
            rows = connection.execute(
                sa.text("SELECT candidate_id FROM candidates WHERE partition_key = :key ORDER BY rank"),
                {"key": key},
            )
            return list(rows.scalars())

    def measure(self, iteration: int, distances: dict[str, float | None], threshold: float) -> None:
        """Write predictions of some materials, each with its distance to the training data."""
        with self.database.transaction(Role.PIPELINE) as connection:
            version = connection.execute(
                sa.text(
                    "SELECT version FROM open_prediction_version(:key, :sha, :sha, :names, 32, :threshold)"
                ),
                {"key": self.key(iteration), "sha": SHA, "names": PROPERTIES, "threshold": threshold},
            ).scalar_one()
            copy_rows(
                connection,
                "predictions",
                ["version", "material_id", "mean", "std", "draws", "distance"],
                ((version, name, [0.0, 0.0], [1.0, 1.0], b"", d) for name, d in distances.items()),
            )

    def predict(self, iteration: int, expected: dict[str, tuple[float, float]], std: float = 0.1) -> None:
        """Write what was predicted of some materials, gap and energy, with draws that spread by ``std``."""
        steps = np.linspace(-1.7, 1.7, N_DRAWS)
        with self.database.transaction(Role.PIPELINE) as connection:
            version = connection.execute(
                sa.text("SELECT version FROM open_prediction_version(:key, :sha, :sha, :names, :n)"),
                {"key": self.key(iteration), "sha": SHA, "names": PROPERTIES, "n": N_DRAWS},
            ).scalar_one()
            copy_rows(
                connection,
                "predictions",
                ["version", "material_id", "mean", "std", "draws", "distance"],
                (
                    (
                        version,
                        material,
                        [*means],
                        [std, std],
                        (np.array(means) + std * np.stack([steps, np.roll(steps, 7)], axis=1))
                        .astype("<f4")
                        .tobytes(),
                        None,
                    )
                    for material, means in expected.items()
                ),
            )
            connection.execute(sa.text("SELECT promote_prediction_version(:v)"), {"v": version})

    def label(self, iteration: int, material: str, band_gap: float, energy: float) -> None:
        """Make two values known to an iteration."""
        with self.database.transaction(Role.OWNER) as connection:
            for name, value in zip(PROPERTIES, (band_gap, energy), strict=True):
                connection.execute(
                    sa.text(
                        "INSERT INTO iteration_labels (partition_key, material_id, property, method, value, origin)"
                        " VALUES (:key, :material, :name, 'PBE', :value, 'validated')"
                    ),
                    {"key": self.key(iteration), "material": material, "name": name, "value": value},
                )

    def register(self, iteration: int, version: int, champion: int) -> None:
        """Register an iteration's model, and say which version is the champion now."""
        with self.database.transaction(Role.PIPELINE) as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO registered_models (partition_key, model_sha256, model_name, model_version)"
                    " VALUES (:key, :sha, :name, :version)"
                ),
                {"key": self.key(iteration), "sha": SHA, "name": self.name, "version": version},
            )
            execute(connection, "learning/note_champion", model_name=self.name, model_version=champion)

    def move(
        self,
        candidate_id: int,
        *statuses: str,
        actor: str = "loop",
        reason: str = "",
        kind: str | None = None,
    ) -> None:
        """Take a candidate through its lifecycle; ``kind`` is that of a rejection at the end."""
        with self.database.transaction(Role.PIPELINE) as connection:
            for status in statuses:
                connection.execute(
                    sa.text(
                        "SELECT transition_candidate(:id, CAST(:status AS candidate_status), :actor, :reason,"
                        " CAST(:kind AS rejection_kind))"
                    ),
                    {
                        "id": candidate_id,
                        "status": status,
                        "actor": actor,
                        "reason": reason,
                        "kind": kind if status == "rejected" else None,
                    },
                )

    def wait(self, reason: str, remedy: str = "") -> None:
        """Let the campaign wait for answers."""
        with self.database.transaction(Role.PIPELINE) as connection:
            execute(
                connection, "loop/record_wait", campaign=self.name, waits_on="answers", subject="", reason=reason,
                remedy=remedy, failed_run_id=None, failure=None, failed_at=None, next_try_at=None,
            )  # fmt: skip

    def answer(self, iteration: int, material: str, band_gap: float | None, energy: float | None) -> None:
        """Write what validation said; None is a calculation that failed."""
        values = dict(zip(PROPERTIES, (band_gap, energy), strict=True))
        note = "did not converge" if None in values.values() else ""
        submit_results(self.database, self.key(iteration), material, values, note=note)


def place(database: Database, places: dict[str, tuple[float, float]], explained: float = 0.4) -> None:
    """Give materials components, as embedding does: each a structure of its own."""
    with database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text(
                "UPDATE materials SET structure_hash = rpad(md5(material_id), 64, '0') WHERE material_id = ANY (:ids)"
            ),
            {"ids": list(places)},
        )
        number = connection.execute(
            sa.text(
                "INSERT INTO feature_sets (fingerprint, version, noted_at) VALUES ('seeded', 1, now()) RETURNING feature_set"
            )
        ).scalar_one()
        connection.execute(
            sa.text(
                "INSERT INTO vector_bases (feature_set, n_fitted, explained, explained_by_two, projection, noted_at)"
                " VALUES (:number, 4, 0.9, :two, '', now())"
            ),
            {"number": number, "two": explained},
        )
        hashes = dict(connection.execute(sa.text("SELECT material_id, structure_hash FROM materials")).all())
        copy_rows(
            connection,
            "structure_vectors",
            ["structure_hash", "feature_set", "components"],
            ((hashes[name], number, [*xy, *[0.0] * (N_COMPONENTS - 2)]) for name, xy in places.items()),
        )


def predicted(place: int, n: int) -> dict[str, Any]:
    """Predictions that tell one place from the next: the gap grows and the energy falls with the rank."""
    return {
        "band_gap_direct": {"mean": 1.5 + place / n, "std": 0.3 + 0.1 * (place % 3), "unit": "eV"},
        "formation_energy_per_atom": {"mean": -2.4 - place / n, "std": 0.05, "unit": "eV/atom"},
    }


def ask_for(
    database: Database,
    job: str,
    material: str,
    status: str = "waiting",
    *,
    reason: str = "",
    attempt: int = 1,
    run_id: str | None = None,
) -> str:
    """Write a calculation as a validator leaves it; return its name."""
    name = job.ljust(64, "0")
    with database.transaction(Role.VALIDATOR) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO validation_jobs (job_id, validator, material_id, method, properties, status, reason, attempt,"
                " run_id) VALUES (:job, 'gpaw', :material, 'PBE', '{band_gap_direct}', :status, :reason, :attempt, :run)"
            ),
            {
                "job": name,
                "material": material,
                "status": status,
                "reason": reason,
                "attempt": attempt,
                "run": run_id,
            },
        )
    return name
