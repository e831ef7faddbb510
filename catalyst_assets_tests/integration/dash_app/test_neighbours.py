"""Neighbours are those that the features say, by pgvector's index and without it."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.ingestion.reading.crystals import describe
from catalyst_assets.representation.library import current_fingerprint
from catalyst_assets.representation.neighbours import lacks_vectors, settle_vectors
from catalyst_assets.representation.stage import embed_shard, plan_shards
from catalyst_assets.representation.store import load_features
from catalyst_assets_tests.crystals import publish_seeded
from catalyst_assets_tests.integration.dash_app.serving import api_client
from resources.paths import project_file
from resources.platform import Platform
from resources.postgres.database import Role, copy_rows, run_as_written

_MATERIAL = ("material_id", "reduced_formula", "chemical_system", "elements", "n_sites", "structure_json")
COLUMNS = [*_MATERIAL, "structure_hash", "properties"]
GAP = {"band_gap": [{"value": 3.3, "unit": "eV", "method": "PBE", "source": "test"}]}


def add(platform: Platform, b_sites: list[str]) -> None:
    crystals = describe([build_cubic_perovskite("Sr", b_site, "O3") for b_site in b_sites])
    with platform.database.transaction(Role.PIPELINE) as connection:
        copy_rows(
            connection,
            "materials",
            COLUMNS,
            (
                (
                    f"test:{b_site}", each.reduced_formula, each.chemical_system, each.elements, each.n_sites,
                    each.structure_json, each.structure_hash, GAP if b_site in ("Hf", "V") else {},
                )
                for b_site, each in zip(b_sites, crystals, strict=True)
            ),
        )  # fmt: skip


def embed(platform: Platform) -> None:
    for shard in plan_shards(platform):
        embed_shard(platform.database, platform.objects, shard)


@pytest.fixture
def api(platform: Platform) -> Iterator[httpx.Client]:
    publish_seeded(platform.objects, 0)
    add(platform, ["Ti", "Zr", "Hf", "Sn", "Si", "Ge", "V"])
    embed(platform)
    with api_client(platform.database, platform.settings) as client:
        yield client


def distances(platform: Platform, to: str) -> dict[str, float]:
    with platform.database.transaction() as connection:
        rows = connection.execute(
            sa.text("SELECT material_id, structure_hash FROM materials ORDER BY material_id")
        )
        names, hashes = zip(*rows, strict=True)
    found = load_features(platform.objects, current_fingerprint(platform.objects), hashes).informed().values
    values = found.astype(np.float64)
    varies = values.std(axis=0) > 1e-6 * np.maximum(1.0, np.abs(values.mean(axis=0)))
    standardized = values[:, varies] / values[:, varies].std(axis=0)
    apart = np.linalg.norm(standardized - standardized[names.index(to)], axis=1)
    return {name: float(d) for name, d in zip(names, apart, strict=True) if name != to}


def test_the_nearest_are_those_of_the_features_with_and_without_an_index(
    api: httpx.Client, platform: Platform
) -> None:
    waits = api.get("/materials/test:Ti/neighbours")
    assert (waits.status_code, waits.json()["detail"]) == (
        409, "The structure of test:Ti has no features yet.",
    )  # fmt: skip
    assert lacks_vectors(platform)
    assert settle_vectors(platform.database, platform.objects) == 7
    assert not lacks_vectors(platform)
    assert settle_vectors(platform.database, platform.objects) == 0

    expected = distances(platform, "test:Ti")
    indexed = api.get("/materials/test:Ti/neighbours", params={"k": 6}).json()
    assert indexed["method"] == "index"
    assert indexed["explained_variance"] == pytest.approx(1.0)
    assert {each["material_id"]: each["distance"] for each in indexed["items"]} == pytest.approx(
        expected, rel=1e-3
    )
    assert [each["material_id"] for each in indexed["items"]] == sorted(expected, key=expected.__getitem__)

    shown = api.get("/materials/test:Ti").json()["neighbours"]
    assert shown == indexed["items"][:5]
    known = api.get("/materials/test:Ti/neighbours", params={"property": "band_gap", "k": 2}).json()
    assert {each["material_id"] for each in known["items"]} == {"test:Hf", "test:V"}
    assert [(each["value"], each["method"]) for each in known["items"][0]["known"]] == [(3.3, "PBE")]
    assert api.get("/materials/test:Ti/neighbours", params={"labelled": True}).json()["method"] == "exact"
    assert api.get("/materials/test:Ti/neighbours", params={"property": "nonsense"}).status_code == 422
    assert api.get("/materials/test:No/neighbours").status_code == 404

    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("DROP EXTENSION vector CASCADE"))
    compared = api.get("/materials/test:Ti/neighbours", params={"k": 6}).json()
    assert compared["method"] == "exact"
    assert [each["material_id"] for each in compared["items"]] == [
        each["material_id"] for each in indexed["items"]
    ]
    assert [each["distance"] for each in compared["items"]] == pytest.approx(
        [each["distance"] for each in indexed["items"]], rel=1e-5
    )


def test_later_structures_are_projected_until_there_are_many_more(platform: Platform) -> None:
    def fitted() -> int:
        with platform.database.transaction() as connection:
            return int(connection.execute(sa.text("SELECT n_fitted FROM vector_bases")).scalar_one())

    publish_seeded(platform.objects, 0)
    for b_sites, written, n_fitted in ((["Ti"], 1, 1), (["Zr", "Hf"], 2, 1), (["Sn"], 4, 4)):
        add(platform, b_sites)
        embed(platform)
        assert (settle_vectors(platform.database, platform.objects), fitted()) == (written, n_fitted)
    publish_seeded(platform.objects, 1)
    embed(platform)
    assert settle_vectors(platform.database, platform.objects) == 4


def test_a_server_without_pgvector_is_migrated_all_the_same(platform: Platform) -> None:
    migration = (project_file("sql") / "migrations" / "0035_neighbours.sql").read_text(encoding="utf-8")
    with platform.database.transaction(Role.OWNER) as connection:
        run_as_written(
            connection,
            """
            DROP TABLE structure_vectors, vector_bases;
            DROP EXTENSION vector;
            CREATE FUNCTION lacking() RETURNS event_trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION USING ERRCODE = 'feature_not_supported', MESSAGE = 'extension "vector" is not available';
            END $$;
            CREATE EVENT TRIGGER no_extension ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION')
                EXECUTE FUNCTION lacking();
            """,
        )
        run_as_written(connection, migration)
        present = connection.execute(
            sa.text("SELECT to_regclass('structure_vectors'), to_regclass('structure_vectors_nearest')")
        )
        assert present.one() == ("structure_vectors", None)
