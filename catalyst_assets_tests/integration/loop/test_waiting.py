"""Campaigns over a pool that grows: what an iteration chooses from, what it waits for, when it is tried again."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.acquisition.replay import replay
from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.pool import read_members
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.loop.advance import Advance, advance_campaign
from catalyst_assets.loop.asked.requests import request_retry
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.state import FEATURES_JOB, ITERATION_JOB, Open, Run, Wait
from catalyst_assets.loop.waits import read_wait
from catalyst_assets.partitions import IterationKey
from catalyst_assets_tests.growing import CAMPAIGN, answer_everything, ingest, write_enumeration
from resources.platform import Platform
from resources.postgres.database import Row

FIRST, SECOND = IterationKey(CAMPAIGN.name, 0), IterationKey(CAMPAIGN.name, 1)
FEW = ["Sr", "Ba", "Ca"]


class Growing:
    """A campaign over a source that grows, advanced by hand."""

    def __init__(self, driver: LoopDriver, folder: Path) -> None:
        self.driver = driver
        self.platform = driver.platform
        self._folder = folder
        self.grow(FEW)
        start_campaign(self.platform.database, CAMPAIGN)

    def grow(self, a_sites: list[str]) -> None:
        ingest(self.driver, write_enumeration(self._folder, a_sites, ["Ti"]))
        answer_everything(self.platform.database)

    def advance(self) -> Advance:
        advance = advance_campaign(self.platform, self.driver.instance, CAMPAIGN.name)
        assert advance is not None
        return advance

    def execute(self, advance: Advance) -> None:
        assert advance.request is not None
        self.driver.instance.add_dynamic_partitions("al_iteration", [str(advance.request.partition_key)])
        self.driver.execute(advance.request.job, advance.request.partition_key, advance.request.tags)

    def waits_for(self) -> Row | None:
        with self.platform.database.transaction() as connection:
            return read_wait(connection, CAMPAIGN.name)

    def pool(self, key: IterationKey) -> set[str]:
        with self.platform.database.transaction() as connection:
            sha256 = read_iteration(connection, str(key)).pool_sha256
        assert sha256 is not None
        members = read_members(self.platform.objects, sha256)
        return {name.removeprefix("prototypes_growing:").removesuffix("-Ti-O") for name, _, _ in members}


@pytest.fixture
def growing(
    platform: Platform, dagster_instance: dg.DagsterInstance, own_environment: None, tmp_path: Path
) -> Growing:
    return Growing(LoopDriver(platform, dagster_instance), tmp_path)


def test_a_pool_that_grows_is_welcome_at_the_next_iteration_and_disturbs_none(growing: Growing) -> None:
    waiting = growing.advance().decision
    assert isinstance(waiting, Wait)
    assert waiting.on == "features"
    assert "3 materials have no features yet" in waiting.reason
    with pytest.raises(UsageError, match="Nothing of campaign growing-pool failed"):
        request_retry(growing.platform.database, CAMPAIGN.name)
    since = growing.waits_for()
    growing.advance()
    assert since is not None
    assert growing.waits_for() == since  # the same waiting, since the same time

    growing.driver.execute(FEATURES_JOB)
    opened = growing.advance()
    assert opened.decision == Open(FIRST, closes=None)
    assert growing.waits_for() is None

    growing.grow([*FEW, "Pb"])
    growing.execute(opened)
    assert growing.pool(FIRST) == {"Sr", "Ba", "Ca"}
    growing.execute(growing.advance())  # validation
    assert replay(growing.platform.database, growing.platform.objects, str(FIRST)).problems == ()

    waiting = growing.advance().decision
    assert isinstance(waiting, Wait)
    assert "1 material has no features yet" in waiting.reason
    growing.grow([*FEW, "Pb", "Cd"])  # comes while it waits: not waited for
    growing.driver.execute(FEATURES_JOB)
    assert growing.advance().decision == Open(SECOND, closes=FIRST)
    assert growing.pool(SECOND) == {"Sr", "Ba", "Ca", "Pb", "Cd"}


def test_what_failed_for_want_of_features_goes_on_once_they_are_there(growing: Growing) -> None:
    growing.driver.execute(FEATURES_JOB)
    advance = growing.advance()
    features = Path(growing.platform.settings.object_store_url) / "embeddings"
    shutil.move(features, features.with_name("lost"))
    for attempt in range(1, 4):
        assert advance.request is not None
        assert (advance.request.job, advance.request.attempt) == (ITERATION_JOB, attempt)
        with pytest.raises(CatalystError):
            growing.execute(advance)
        advance = growing.advance()
    assert isinstance(advance.decision, Wait)
    assert advance.decision.on == "repair"
    kept = growing.waits_for()
    assert kept is not None
    assert kept["reason"] == "training and ranking of iteration 0 failed 3 times"
    assert "no features yet" in kept["failure"]
    assert kept["next_try_at"] > kept["failed_at"]
    assert growing.advance().request is None

    request_retry(growing.platform.database, CAMPAIGN.name)
    asked = growing.advance()
    assert asked.decision == Run(ITERATION_JOB, FIRST, attempt=4)
    with pytest.raises(CatalystError):
        growing.execute(asked)
    assert isinstance(growing.advance().decision, Wait)

    growing.driver.execute(FEATURES_JOB)

    again = growing.advance()
    assert again.decision == Run(ITERATION_JOB, FIRST, attempt=5)
    growing.execute(again)
    growing.advance()
    assert growing.waits_for() is None
