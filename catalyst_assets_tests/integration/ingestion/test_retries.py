"""Which failures of a source are tried again, counted by the server that was asked."""

import functools
import pickle

import dagster as dg
import pytest

from catalyst_assets.errors import CorruptArtifactError, SourceError, UsageError
from catalyst_assets.ingestion.aflow.spec import SPEC
from catalyst_assets.ingestion.fetching import http
from catalyst_assets.ingestion.fetching.retries import is_permanent
from catalyst_assets.ingestion.sources.assets import make_raw_asset
from catalyst_assets_tests.loopback import Handler, running
from resources.dagster_resources import build_resources
from resources.platform import Platform
from resources.settings import get_settings


class Moody:
    """Answers with the statuses it is given, one after another, then with no entries."""

    def __init__(self, *statuses: int) -> None:
        self.port = 0
        self.asked = 0
        self._statuses = list(statuses)

    def respond(self, path: str, handler: Handler) -> None:
        self.asked += 1
        handler.reply(self._statuses.pop(0) if self._statuses else 200, b"[]")


@pytest.fixture
def raw_aflow(monkeypatch: pytest.MonkeyPatch) -> dg.AssetsDefinition:
    """The asset with hardly any pause, its fetcher asking once."""
    monkeypatch.setenv("CATALYST_RETRY_DELAY_SECONDS", "0.01")
    get_settings.cache_clear()
    monkeypatch.setattr(http, "Fetcher", functools.partial(http.Fetcher, attempts=1))
    return make_raw_asset(SPEC)


def materialize(
    raw_aflow: dg.AssetsDefinition, platform: Platform, server: Moody
) -> dg.ExecuteInProcessResult:
    config = {"matchbook": "species(O)"}
    with running(server), dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [raw_aflow],
            instance=instance,
            resources=build_resources(platform=platform),
            run_config={
                "ops": {"raw_aflow": {"config": config | {"endpoint": f"http://127.0.0.1:{server.port}/"}}}
            },
            raise_on_error=False,
        )


def test_what_is_transient_is_tried_again_until_it_works(
    raw_aflow: dg.AssetsDefinition, platform: Platform
) -> None:
    server = Moody(429, 429)
    result = materialize(raw_aflow, platform, server)

    assert result.success
    assert server.asked == 3
    assert len([event for event in result.all_events if event.is_step_restarted]) == 2


def test_what_stays_transient_is_given_up(raw_aflow: dg.AssetsDefinition, platform: Platform) -> None:
    server = Moody(*[429] * 9)
    result = materialize(raw_aflow, platform, server)

    assert not result.success
    assert server.asked == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_not_tried_again(
    raw_aflow: dg.AssetsDefinition, platform: Platform, status: int
) -> None:
    server = Moody(status)
    result = materialize(raw_aflow, platform, server)

    assert not result.success
    assert server.asked == 1
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    assert f"status {status}" in failure.step_failure_data.error.message


def test_an_answer_of_another_shape_is_not_asked_for_again(
    raw_aflow: dg.AssetsDefinition, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Moody()
    monkeypatch.setattr(
        server, "respond", lambda path, handler: (_count(server), handler.reply(200, b'{"a": 1}'))
    )
    assert not materialize(raw_aflow, platform, server).success
    assert server.asked == 1


def _count(server: Moody) -> None:
    server.asked += 1


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (SourceError("refused"), True),
        (SourceError("stalled", is_transient=True), False),
        (UsageError("no such option"), True),
        (CorruptArtifactError("changed"), True),
    ],
)
def test_an_error_says_whether_asking_again_may_help_in_other_processes_too(error, permanent) -> None:
    assert is_permanent(error) == permanent
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own)
    assert (type(copy), copy.message, is_permanent(copy)) == (type(error), error.message, permanent)


def test_pauses_grow_and_are_jittered() -> None:
    policy = make_raw_asset(SPEC).op.retry_policy
    assert policy is not None
    assert (policy.max_retries, policy.delay) == (3, 30.0)
    first, third = policy.calculate_delay(1), policy.calculate_delay(3)
    assert first != policy.calculate_delay(1)
    assert third > first
