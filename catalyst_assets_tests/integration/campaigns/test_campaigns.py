"""Starting campaigns and turning their pages, on a real database."""

import pytest

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.pool import load_pool
from catalyst_assets.campaigns.pool_filter import Pool
from catalyst_assets.errors import InvalidPoolError, UsageError
from catalyst_assets.loop.campaigns import (
    choose_test_set,
    load_campaign_state,
    open_iteration,
    start_campaign,
)
from catalyst_assets.partitions import IterationKey
from catalyst_assets_tests.results import submit_results
from resources.postgres.database import Database, Role, copy_rows, fetch_all, fetch_one

CAMPAIGN = load_campaign("oxide-perovskites-demo").model_copy(update={"pool": Pool(source="test")})


def add_materials(database: Database, n: int) -> list[str]:
    names = [f"test:{index:03d}" for index in range(n)]
    with database.transaction(Role.PIPELINE) as connection:
        copy_rows(
            connection,
            "materials",
            [
                "material_id",
                "reduced_formula",
                "chemical_system",
                "elements",
                "n_sites",
                "structure_json",
                "structure_hash",
            ],
            [
                (name, "NaCl", "Cl-Na", ["Cl", "Na"], 2 + index % 3, {}, name)
                for index, name in enumerate(names)
            ],
        )
        copy_rows(
            connection,
            "material_sources",
            ["source", "source_id", "material_id", "raw_sha256", "licence", "retrieved_at"],
            [("test", name, name, "0" * 64, "CC0", "2026-01-01T00:00:00Z") for name in names],
        )
    return names


def record(database: Database, key: str, material_id: str, **values: float) -> None:
    submit_results(database, key, material_id, values)


def test_starting_a_campaign_freezes_a_test_set_of_a_tenth_of_the_pool(database: Database) -> None:
    names = add_materials(database, 40)
    start_campaign(database, CAMPAIGN)
    start_campaign(database, CAMPAIGN)
    with database.transaction(Role.PIPELINE) as connection:
        rows = fetch_all(connection, "campaigns/test_set", campaign=CAMPAIGN.name)
    assert [row["material_id"] for row in rows] == choose_test_set(names[::-1], 0.1, CAMPAIGN.seed)
    assert len(rows) == 4


def test_another_seed_holds_out_other_materials() -> None:
    names = [f"m{index}" for index in range(200)]
    assert choose_test_set(names, 0.2, 0) != choose_test_set(names, 0.2, 1)


def test_an_empty_pool_is_refused_and_nothing_is_stored(database: Database) -> None:
    with pytest.raises(InvalidPoolError, match="empty"):
        start_campaign(database, CAMPAIGN)
    with database.transaction(Role.PIPELINE) as connection:
        assert fetch_one(connection, "campaigns/one", name=CAMPAIGN.name) is None


def test_a_running_campaign_keeps_its_goal_but_may_change_its_budget(database: Database) -> None:
    add_materials(database, 10)
    start_campaign(database, CAMPAIGN)
    longer = Campaign.model_validate(CAMPAIGN.document | {"stop": {"max_evaluations": 90}})
    start_campaign(database, longer)
    with pytest.raises(UsageError, match="another method"):
        start_campaign(database, Campaign.model_validate(CAMPAIGN.document | {"method": "GLLB-SC"}))
    with database.transaction(Role.PIPELINE) as connection:
        stored = fetch_one(connection, "campaigns/one", name=CAMPAIGN.name)
    assert stored is not None
    assert stored["sha256"] == longer.sha256


def test_a_campaign_stored_before_a_section_existed_goes_on(database: Database) -> None:
    add_materials(database, 10)
    start_campaign(database, CAMPAIGN)
    with database.transaction(Role.PIPELINE) as connection:
        connection.exec_driver_sql("UPDATE campaigns SET document = document - 'learning', sha256 = 'older'")
    start_campaign(database, CAMPAIGN)
    with database.transaction(Role.PIPELINE) as connection:
        stored = fetch_one(connection, "campaigns/one", name=CAMPAIGN.name)
    assert stored is not None
    assert stored["sha256"] == CAMPAIGN.sha256


def test_a_pool_is_filtered_by_its_fields(database: Database) -> None:
    add_materials(database, 9)
    with database.transaction(Role.PIPELINE) as connection:
        assert len(load_pool(connection, Pool(elements=("Na",)))) == 9
        assert load_pool(connection, Pool(exclude_elements=("Na",))) == []
        assert len(load_pool(connection, Pool(only_elements=("Cl", "Na", "O")))) == 9
        assert load_pool(connection, Pool(only_elements=("Cl", "O"))) == []
        assert len(load_pool(connection, Pool(n_sites_max=2))) == 3
        assert len(load_pool(connection, Pool(source="test", n_sites_min=3))) == 6
        assert load_pool(connection, Pool(source="elsewhere")) == []
        assert len(load_pool(connection, Pool(chemical_system="Na-Cl"))) == 9


def test_labels_are_frozen_when_an_iteration_opens_and_never_include_the_test_set(database: Database) -> None:
    names = add_materials(database, 20)
    start_campaign(database, CAMPAIGN)
    held_out = choose_test_set(names, CAMPAIGN.test_fraction, CAMPAIGN.seed)
    trained = next(name for name in names if name not in held_out)
    first, second = IterationKey(CAMPAIGN.name, 0), IterationKey(CAMPAIGN.name, 1)
    with database.transaction(Role.PIPELINE) as connection:
        open_iteration(connection, CAMPAIGN, first)
    record(database, str(first), trained, band_gap_direct=0.2, formation_energy_per_atom=-2.5)
    record(database, str(first), held_out[0], band_gap_direct=1.2, formation_energy_per_atom=-2.5)
    with database.transaction(Role.PIPELINE) as connection:
        open_iteration(connection, CAMPAIGN, second)
    late = next(name for name in names if name not in {*held_out, trained})
    record(database, str(first), late, band_gap_direct=3.0)
    with database.transaction(Role.PIPELINE) as connection:
        labels = fetch_all(connection, "loop/iteration_labels", partition_key=str(second))
        opened = fetch_one(connection, "loop/iteration", partition_key=str(second))
        none = fetch_one(connection, "loop/iteration", partition_key=str(first))
    assert [(label["material_id"], label["property"], label["value"]) for label in labels] == [
        (trained, "band_gap_direct", 0.2),
        (trained, "formation_energy_per_atom", -2.5),
    ]
    assert opened is not None
    assert none is not None
    assert (opened["label_count"], opened["parent"]) == (2, str(first))
    assert none["label_count"] == 0
    assert none["label_sha256"] != opened["label_sha256"]


def test_hits_count_validated_materials_that_meet_every_criterion(database: Database) -> None:
    names = add_materials(database, 5)
    start_campaign(database, CAMPAIGN)
    key = IterationKey(CAMPAIGN.name, 0)
    with database.transaction(Role.PIPELINE) as connection:
        open_iteration(connection, CAMPAIGN, key)
    record(database, str(key), names[0], band_gap_direct=2.3, formation_energy_per_atom=-2.0)
    record(database, str(key), names[1], band_gap_direct=2.4, formation_energy_per_atom=-2.0)
    record(database, str(key), names[2], band_gap_direct=1.5)
    with database.transaction(Role.PIPELINE) as connection:
        found = load_evaluations(connection, CAMPAIGN)
        state = load_campaign_state(connection, CAMPAIGN.name, lambda _: {})
    assert {evaluation.material_id: evaluation.is_hit for evaluation in found} == {
        names[0]: True, names[1]: False, names[2]: False,
    }  # fmt: skip
    assert state is not None
    assert (state.n_evaluated, state.n_hits, state.iterations[0].status) == (3, 1, "open")
