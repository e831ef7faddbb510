"""A training whose host is lost goes on on another one, from what the object store has of it."""

from pathlib import Path

import pytest

from catalyst_assets.representation.fitting.checkpoints import CHECKPOINT, steps_done
from catalyst_assets.representation.fitting.fit import fit_network
from catalyst_assets.representation.fitting.shared_checkpoints import SharedCheckpoints
from catalyst_assets_tests.fitted import split, tiny_backbone
from catalyst_assets_tests.integration.representation.fit_process import SETTINGS
from resources.platform import Platform

LOST_AT = 3


class _HostIsLostError(Exception):
    pass


def host(platform: Platform, folder: Path, name: str, *, shares: bool = True) -> SharedCheckpoints:
    changed = {"home": folder / name, "object_store": str(folder / "store") if shares else None}
    there = Platform(platform.settings.model_copy(update=changed), platform.database)
    return SharedCheckpoints(there, "campaign__0000")


def fit(checkpoints: SharedCheckpoints, lost_at: int | None = None) -> tuple[list[int], bytes]:
    """Return the epochs that were computed here, and the fitted network."""
    told: list[int] = []
    backbone, (training, validation) = tiny_backbone(), split()

    def on_epoch(epoch: int, _: object) -> None:
        checkpoints.push()
        told.append(epoch)
        if epoch == lost_at:
            raise _HostIsLostError

    checkpoints.fetch()
    begun = steps_of(checkpoints)
    fitted = fit_network(
        backbone.network, backbone.config, training, validation, SETTINGS, checkpoints.folder, on_epoch=on_epoch
    )  # fmt: skip
    assert steps_of(checkpoints) >= begun
    return told, fitted.to_bytes()


def steps_of(checkpoints: SharedCheckpoints) -> int:
    return max((steps_done(path) for path in checkpoints.folder.rglob(CHECKPOINT)), default=-1)


def lose(checkpoints: SharedCheckpoints, at: int) -> int:
    with pytest.raises(_HostIsLostError):
        fit(checkpoints, at)
    return steps_of(checkpoints)


def test_another_host_goes_on_where_the_lost_one_was(platform: Platform, tmp_path: Path) -> None:
    _, undisturbed = fit(host(platform, tmp_path / "undisturbed", "only"))

    first, second = host(platform, tmp_path, "first"), host(platform, tmp_path, "second")
    reached = lose(first, LOST_AT)
    second.fetch()
    assert steps_of(second) == reached > 0
    further = lose(second, 2 * LOST_AT)
    assert further > reached

    # The first one is back: what it has itself is older.
    assert steps_of(first) == reached
    first.fetch()
    assert steps_of(first) == further
    _, resumed = fit(first)
    assert resumed == undisturbed


def test_what_is_older_in_the_store_does_not_replace_what_is_here(platform: Platform, tmp_path: Path) -> None:
    checkpoints = host(platform, tmp_path, "only")
    lose(checkpoints, LOST_AT)
    (stored,) = (tmp_path / "store").rglob(CHECKPOINT)
    older = stored.read_bytes()
    further = lose(checkpoints, 2 * LOST_AT)
    stored.write_bytes(older)
    checkpoints.fetch()
    assert steps_of(checkpoints) == further
    stored.write_bytes(b"spoiled")
    checkpoints.fetch()
    assert steps_of(checkpoints) == further


@pytest.mark.parametrize("shares", [True, False])
def test_nothing_is_left_of_a_training_that_is_done(
    platform: Platform, tmp_path: Path, *, shares: bool
) -> None:
    checkpoints = host(platform, tmp_path, "only", shares=shares)
    lose(checkpoints, LOST_AT)
    assert bool(list((tmp_path / "store").rglob(CHECKPOINT))) is shares
    assert not list((tmp_path / "only" / "objects").rglob(CHECKPOINT))
    checkpoints.clear()
    assert not checkpoints.folder.exists()
    assert not list((tmp_path / "store").rglob(CHECKPOINT))
