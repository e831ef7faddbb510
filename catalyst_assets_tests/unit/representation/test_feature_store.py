"""Features are found again under the structure they belong to, whoever stored them and when."""

import numpy as np
import pytest

from catalyst_assets.errors import CorruptArtifactError, LoopError
from catalyst_assets.representation.backbones import build_backbone
from catalyst_assets.representation.features import Features
from catalyst_assets.representation.library import (
    current_fingerprint,
    load_backbone,
    publish_backbone,
    store_backbone,
)
from catalyst_assets.representation.networks.configs import SchNetConfig
from catalyst_assets.representation.store import load_features, missing, shard_key, write_shard
from catalyst_assets_tests.crystals import publish_seeded, small_backbone
from resources.object_store import ObjectStore

TINY = SchNetConfig(channels=4, filters=4, layers=1)
NAMES = ("mace:a", "desc:b")


@pytest.fixture
def objects(tmp_path):
    return ObjectStore(str(tmp_path / "a folder with spaces"))


def features(*rows: tuple[float, float], failures: dict[int, str] | None = None) -> Features:
    return Features(np.array(rows, dtype=np.float32).reshape(-1, 2), NAMES, failures or {})


def test_features_come_back_in_the_order_asked_across_shards(objects):
    write_shard(objects, "f", ["s1", "s2"], features((1, 0.1), (2, 0.2)))
    write_shard(objects, "f", ["s3"], features((3, 0.3)))

    loaded = load_features(objects, "f", ["s3", "s1", "s3", "s2"])

    assert loaded.names == NAMES
    assert loaded.failures == {}
    np.testing.assert_array_equal(
        loaded.values, np.array([(3, 0.3), (1, 0.1), (3, 0.3), (2, 0.2)], dtype=np.float32)
    )


def test_failed_structures_are_not_stored_and_unknown_ones_are_named(objects):
    write_shard(objects, "f", ["s1", "bad"], features((1, 0.1), (0, 0), failures={1: "too close"}))

    loaded = load_features(objects, "f", ["bad", "s1", "unknown"])

    assert sorted(loaded.failures) == [0, 2]
    assert loaded.values[1].tolist() == [1, np.float32(0.1)]
    assert missing(objects, "f", ["s1", "bad", "unknown", "bad"]) == ["bad", "unknown"]


def test_each_backbone_has_its_own_features(objects):
    write_shard(objects, "f", ["s1"], features((1, 0.1)))

    assert missing(objects, "g", ["s1"]) == ["s1"]
    assert load_features(objects, "g", ["s1"]).failures.keys() == {0}


def test_a_shard_is_named_by_the_structures_it_covers_whatever_their_order():
    assert shard_key("f", ["s1", "s2"]) == shard_key("f", ["s2", "s1"])
    assert shard_key("f", ["s1", "s2"]) != shard_key("f", ["s1"])


def test_shards_that_disagree_about_the_features_are_refused(objects):
    write_shard(objects, "f", ["s1"], features((1, 0.1)))
    other = Features(np.ones((1, 1), dtype=np.float32), ("desc:b",), {})
    write_shard(objects, "f", ["s2"], other)

    with pytest.raises(CorruptArtifactError, match="other features than the shards beside it"):
        load_features(objects, "f", ["s1", "s2"])


def test_a_damaged_shard_is_named(objects):
    key = write_shard(objects, "f", ["s1"], features((1, 0.1)))
    objects.put_bytes(key, b"not parquet")

    with pytest.raises(CorruptArtifactError, match=key):
        load_features(objects, "f", ["s1"])


def test_without_a_backbone_the_reader_is_told_to_make_one(objects):
    with pytest.raises(LoopError, match="Materialize `backbone`"):
        current_fingerprint(objects)


def test_a_published_backbone_is_found_by_its_name_and_kept(objects):
    published = publish_seeded(objects, seed=0)
    key = f"models/backbones/{published.fingerprint}.safetensors"
    written = objects.path(key).stat().st_mtime_ns

    assert published.fingerprint == small_backbone().fingerprint == current_fingerprint(objects)
    assert len(objects.get_bytes(key)) == published.size_bytes
    assert load_backbone(objects, published.fingerprint).fingerprint == published.fingerprint
    assert publish_seeded(objects, seed=0) == published
    assert objects.path(key).stat().st_mtime_ns == written


def test_weights_that_are_not_what_their_name_says_are_refused_and_then_replaced(objects):
    published = publish_seeded(objects, seed=0)
    key = f"models/backbones/{published.fingerprint}.safetensors"
    objects.put_bytes(key, objects.get_bytes(key)[:-1] + b"\0\1")

    with pytest.raises(CorruptArtifactError, match="not hold the weights it is named after"):
        load_backbone(objects, published.fingerprint)
    assert publish_seeded(objects, seed=0) == published
    assert load_backbone(objects, published.fingerprint).fingerprint == published.fingerprint


def test_a_backbone_is_made_once_a_recipe(objects):
    made = []

    def make(seed: int):
        made.append(seed)
        return build_backbone(TINY, seed)

    first = publish_backbone(objects, {"data": "a", "layers": (1, 2)}, lambda: make(0))
    kept = publish_backbone(objects, {"data": "a", "layers": [1, 2]}, lambda: make(0))
    other = publish_backbone(objects, {"data": "b"}, lambda: make(1))

    assert made == [0, 1]
    assert (first.is_new, kept.is_new, other.is_new) == (True, False, True)
    assert first == kept
    assert (first.config, first.origin.details) == (TINY, {"seed": 0})
    assert current_fingerprint(objects) == other.fingerprint != first.fingerprint


def test_a_backbone_may_be_stored_without_becoming_the_current_one(objects):
    published = publish_seeded(objects, 0, TINY)
    other = build_backbone(TINY, 1)

    size = store_backbone(objects, other)

    assert current_fingerprint(objects) == published.fingerprint
    assert load_backbone(objects, other.fingerprint) == other
    assert size == len(other.to_bytes())


def test_another_seed_becomes_the_current_backbone(objects):
    first = publish_seeded(objects, 0, TINY)
    second = publish_seeded(objects, 1, TINY)

    assert first.fingerprint != second.fingerprint == current_fingerprint(objects)


class CountingStore(ObjectStore):
    """Counts what is read."""

    def get_bytes(self, key: str) -> bytes:
        self.__dict__.setdefault("read", []).append(key)
        return super().get_bytes(key)


def test_only_shards_that_may_hold_a_structure_are_read(tmp_path):
    objects = CountingStore(str(tmp_path))
    hashes = [f"{number:064x}" for number in (1 << 250, 2 << 250, 3 << 250, 4 << 250)]
    write_shard(objects, "f", hashes[:2], features((1, 0.1), (2, 0.2)))
    second = write_shard(objects, "f", hashes[2:], features((3, 0.3), (4, 0.4)))

    loaded = load_features(objects, "f", [hashes[3], hashes[2]])

    assert loaded.values[:, 0].tolist() == [4, 3]
    assert objects.read == [second]


def test_names_are_known_when_nothing_is_asked_for(objects):
    write_shard(objects, "f", ["s1"], features((1, 0.1)))
    assert load_features(objects, "f", []).names == NAMES
