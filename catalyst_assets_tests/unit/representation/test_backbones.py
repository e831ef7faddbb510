"""A backbone is its bytes: seeded, named, stored, read back."""

import io
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.representation.backbones import Backbone, build_backbone
from catalyst_assets.representation.features import featurize
from catalyst_assets.representation.networks.configs import MaceConfig
from catalyst_assets_tests.crystals import assorted, small_backbone

TINY = MaceConfig(hidden_irreps="2x0e", mlp_irreps="2x0e", max_ell=1, correlation=1, radial_mlp=(4,))


def test_a_backbone_read_back_gives_the_same_features_bit_for_bit():
    backbone = small_backbone()
    again = Backbone.from_bytes(backbone.to_bytes())

    assert again.fingerprint == backbone.fingerprint
    assert again.config == backbone.config
    np.testing.assert_array_equal(featurize(assorted(), again).values, featurize(assorted(), backbone).values)


def test_the_seed_alone_decides_the_weights():
    assert build_backbone(TINY, 3).to_bytes() == build_backbone(TINY, 3).to_bytes()
    assert build_backbone(TINY, 3).fingerprint != build_backbone(TINY, 4).fingerprint


def test_another_process_builds_the_same_backbone():
    program = (
        "from catalyst_assets.representation.backbones import build_backbone; "
        "print(build_backbone().fingerprint)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert printed.stdout.split() == [small_backbone().fingerprint]


def test_building_leaves_the_random_state_and_the_number_format_of_the_caller_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    build_backbone(TINY, 0)

    assert torch.equal(torch.rand(3), expected)
    assert torch.get_default_dtype() == torch.float32


def test_importing_mace_does_not_switch_safe_loading_off():
    class Outside:
        def __reduce__(self):
            return os.getcwd, ()

    small_backbone()
    buffer = io.BytesIO()
    torch.save(Outside(), buffer)
    buffer.seek(0)

    assert "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD" not in os.environ
    with pytest.raises(pickle.UnpicklingError):
        torch.load(buffer)


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:1000], lambda data: b"x" + data[1:]])
def test_damaged_bytes_are_refused_with_the_remedy(damage):
    with pytest.raises(CorruptArtifactError, match="Materialize the asset `backbone` again"):
        Backbone.from_bytes(damage(small_backbone().to_bytes()))


def test_similar_elements_get_similar_weights_before_anything_was_learned():
    embedding = small_backbone().network.model.node_embedding.linear.weight.reshape(94, -1).numpy()

    def distance(a, b):
        return np.linalg.norm(embedding[a - 1] - embedding[b - 1])

    assert distance(19, 37) < distance(19, 9)  # K: Rb against F
    assert distance(40, 72) < distance(40, 8)  # Zr: Hf against O
