"""Fitting a network to labels: what is taught, what is changed, what is kept."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from catalyst_assets.errors import CorruptArtifactError, UsageError
from catalyst_assets.representation.fitting.data import (
    EpochPlan,
    LabelledGraphs,
    PreparedGraphs,
    Share,
    TargetScaling,
)
from catalyst_assets.representation.fitting.fit import fit_key, fit_network
from catalyst_assets.representation.fitting.fitted import FittedNetwork
from catalyst_assets.representation.fitting.head import HeadConfig, HeadOutput, PropertyHead, build_head
from catalyst_assets.representation.fitting.loss import LossWeights, fit_loss
from catalyst_assets.representation.fitting.module import FitModule
from catalyst_assets.representation.fitting.precision import choose_precision
from catalyst_assets.representation.fitting.settings import FitError, FitSettings, Precision
from catalyst_assets.representation.networks.architectures import build_network
from catalyst_assets.representation.networks.configs import MaceConfig, NetworkConfig, SchNetConfig
from catalyst_assets_tests.fitted import perovskite_labels, split, tiny_backbone

QUICK = FitSettings(max_epochs=4, max_edges_per_batch=2500, hidden=16, learning_rate=1e-2, accelerator="cpu")


def fit(
    folder: Path,
    settings: FitSettings = QUICK,
    data: tuple[LabelledGraphs, LabelledGraphs] | None = None,
    **options: Any,
) -> FittedNetwork:
    backbone = tiny_backbone()
    training, validation = data or split()
    return fit_network(backbone.network, backbone.config, training, validation, settings, folder, **options)


@cache
def quickly_fitted() -> FittedNetwork:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return fit(Path(folder))


@cache
def well_fitted() -> FittedNetwork:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return fit(Path(folder), replace(QUICK, max_epochs=40, hidden=32))


def changed_parts(fitted: FittedNetwork) -> list[bool]:
    """Whether any weight of each block is another one than before."""
    before = tiny_backbone().network.state_dict()
    names = {id(weight): name for name, weight in fitted.network.named_parameters()}
    return [
        any(
            not torch.equal(weight, before[names[id(weight)]].float())
            for weight in block.parameters()
            if id(weight) in names
        )
        for block in fitted.network.blocks()
    ]


def test_a_missing_label_and_a_value_on_the_floor_teach_no_mean() -> None:
    data = perovskite_labels()
    scaling = TargetScaling.of(data)
    assert scaling.floor[0] == -np.inf
    assert scaling.floor[1] == 0.0
    batch = PreparedGraphs(data, scaling).collate(range(len(data)))
    mean, gate = (torch.zeros(len(data), 2, requires_grad=True) for _ in range(2))
    spread = torch.ones(len(data), 2, requires_grad=True)
    fit_loss(HeadOutput(mean, spread, gate), batch, LossWeights.of(data.labels, scaling), QUICK).backward()
    known, above = np.isfinite(data.labels), data.labels > scaling.floor
    assert mean.grad is not None
    assert spread.grad is not None
    assert gate.grad is not None
    assert ((mean.grad.numpy() != 0) == (known & above)).all()
    assert ((spread.grad.numpy() != 0) <= (known & above)).all()
    assert (gate.grad.numpy()[:, 0] == 0).all()
    assert ((gate.grad.numpy()[:, 1] != 0) == known[:, 1]).all()


def test_each_property_weighs_the_same_however_many_labels_it_has() -> None:
    labels = np.full((40, 2), np.nan)
    labels[:, 0] = np.tile([-1.0, 1.0], 20)
    labels[:4, 1] = [-1.0, 1.0, -1.0, 1.0]
    data = LabelledGraphs(perovskite_labels().graphs[:40], np.zeros((40, 0), np.float32), labels, ("a", "b"))
    scaling = TargetScaling(("a", "b"), np.zeros(2), np.ones(2), np.full(2, -np.inf))
    batch = PreparedGraphs(data, scaling).collate(range(40))
    mean = torch.zeros(40, 2, requires_grad=True)
    output = HeadOutput(mean, torch.ones(40, 2), torch.zeros(40, 2))
    fit_loss(output, batch, LossWeights.of(labels, scaling), QUICK).backward()
    assert mean.grad is not None
    by_property = mean.grad.abs().sum(0)
    assert by_property[0] == pytest.approx(float(by_property[1]))
    assert by_property[0] > 0


def test_a_label_that_is_off_by_its_known_noise_moves_neither_mean_nor_spread_by_much() -> None:
    labels = np.array([[3.0], [3.0]])
    noise = np.array([[3.0], [0.0]])
    data = LabelledGraphs(perovskite_labels().graphs[:2], np.zeros((2, 0), np.float32), labels, ("a",), noise)
    scaling = TargetScaling(("a",), np.zeros(1), np.ones(1), np.full(1, -np.inf))
    batch = PreparedGraphs(data, scaling).collate(range(2))
    mean, spread = torch.zeros(2, 1, requires_grad=True), torch.ones(2, 1, requires_grad=True)
    output = HeadOutput(mean, spread, torch.zeros(2, 1))
    fit_loss(output, batch, LossWeights.of(labels, scaling), QUICK).backward()
    assert mean.grad is not None
    assert spread.grad is not None
    blunt, sharp = mean.grad[:, 0].tolist()
    assert blunt == pytest.approx(0.1 * sharp)
    blunt, sharp = spread.grad[:, 0].tolist()
    assert abs(blunt) < 0.01 * abs(sharp)
    assert data.take([1, 0]).row_digests == (data.row_digests[1], data.row_digests[0])
    assert replace(data, noise=None).sha256 != data.sha256


def test_an_epoch_goes_through_every_row_once_and_in_an_order_of_its_own() -> None:
    counts = np.random.default_rng(0).integers(20, 300, 101)

    def rows_of(plan: EpochPlan, epochs: Sequence[int]) -> list[int]:
        return [int(row) for epoch in epochs for batch, _ in plan.batches(epoch) for row in batch]

    whole = EpochPlan(counts, 1000, 1000, seed=3)
    assert whole.epochs_per_pass == 1
    assert sorted(rows_of(whole, [5])) == list(range(101))
    assert rows_of(whole, [5]) == rows_of(EpochPlan(counts, 1000, 1000, seed=3), [5])
    assert rows_of(whole, [5]) != rows_of(whole, [6])
    assert all(counts[batch].sum() <= 1000 for batch, _ in whole.batches(2))
    cut = EpochPlan(counts, 1000, 4, seed=3)
    assert cut.epochs_per_pass > 1
    second_pass = range(cut.epochs_per_pass, 2 * cut.epochs_per_pass)
    assert sorted(rows_of(cut, second_pass)) == list(range(101))


def test_what_is_learned_predicts_rows_left_out_and_the_floor_is_seen() -> None:
    fitted, (_, validation) = well_fitted(), split()
    smooth, gap = fitted.predict(validation.graphs, validation.extra)
    known = np.isfinite(validation.labels)
    error = np.abs(smooth.center - validation.labels[:, 0])[known[:, 0]].mean()
    assert error < 0.35 * validation.labels[known[:, 0], 0].std()
    assert smooth.floor == -np.inf
    assert (smooth.floor_probability == 0).all()
    target, chance = validation.labels[known[:, 1], 1], gap.floor_probability[known[:, 1]]
    assert gap.floor == 0.0
    assert ((chance > 0.5) == (target == 0.0)).mean() > 0.9
    for prediction in (smooth, gap):
        assert np.isfinite(prediction.spread).all()
        assert (prediction.spread > 0).all()
        assert np.isfinite(prediction.center).all()


def test_only_what_is_asked_for_is_trained(tmp_path: Path) -> None:
    assert changed_parts(quickly_fitted())[-1]
    assert any(changed_parts(quickly_fitted())[:-1])
    last = changed_parts(fit(tmp_path, replace(QUICK, depth="last_layers", max_epochs=1)))
    assert last == [False] * (len(last) - 1) + [True]
    head = fit(tmp_path, replace(QUICK, depth="head_only"))
    for name, tensor in tiny_backbone().network.state_dict().items():
        assert torch.equal(
            head.network.state_dict()[name], tensor.to(head.network.state_dict()[name].dtype)
        ), name
    losses = [value for _, value in head.curves["training_loss"]]
    assert losses[-1] < losses[0]


def test_the_network_that_was_given_is_left_alone(tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_backbone().network.state_dict().items()}
    dtype = tiny_backbone().network.dtype
    fit(tmp_path, replace(QUICK, max_epochs=1))
    assert tiny_backbone().network.dtype == dtype
    for name, tensor in tiny_backbone().network.state_dict().items():
        assert torch.equal(before[name], tensor)
    assert not any(weight.requires_grad for weight in tiny_backbone().network.parameters())


def test_training_ends_when_validation_stops_improving_and_the_best_epoch_is_kept(tmp_path: Path) -> None:
    training, validation = split()
    against = replace(validation, labels=-validation.labels * np.array([1.0, np.nan]))
    settings = replace(QUICK, max_epochs=30, patience=3)
    fitted = fit(tmp_path, settings, (training, against))
    errors = [value for _, value in fitted.curves["validation_error"]]
    assert len(errors) == fitted.best_epoch + 1 + 3 < 30
    assert fitted.best_epoch == int(np.argmin(errors))
    prediction = fitted.predict(against.graphs, against.extra)[0]
    known = np.isfinite(against.labels[:, 0])
    error = np.abs(prediction.center - against.labels[:, 0])[known].mean() / fitted.scaling.scale[0]
    assert error == pytest.approx(min(errors), rel=1e-5)


def test_predictions_are_made_by_averaged_weights(tmp_path: Path) -> None:
    training, validation = split()
    nothing = validation.take([])
    raw = fit(tmp_path, replace(QUICK, ema_decay=0.0), (training, nothing))
    averaged = fit(tmp_path, replace(QUICK, ema_decay=0.9), (training, nothing))
    assert raw.best_epoch == averaged.best_epoch == QUICK.max_epochs - 1
    # The averages change no step: what is learned is the same, what is kept of it is not.
    assert raw.curves["training_loss"] == averaged.curves["training_loss"]
    weights = [fitted.head.mean.weight for fitted in (raw, averaged)]
    assert not torch.allclose(weights[0], weights[1], rtol=1e-3)


def test_bytes_predict_the_same_to_the_last_bit() -> None:
    fitted, (_, validation) = quickly_fitted(), split()
    again = FittedNetwork.from_bytes(fitted.to_bytes())
    assert again.to_bytes() == fitted.to_bytes()
    assert again.curves == fitted.curves
    for ours, theirs in zip(
        fitted.predict(validation.graphs, validation.extra),
        again.predict(validation.graphs, validation.extra),
        strict=True,
    ):
        assert ours.floor == theirs.floor
        for name in ("floor_probability", "center", "spread"):
            assert (getattr(ours, name) == getattr(theirs, name)).all()


@pytest.mark.parametrize(
    "spoil", [lambda data: data[: len(data) // 2], lambda _: b"", lambda _: b"\x02" + 9 * b"\x00"]
)
def test_spoiled_bytes_are_refused(spoil: Any) -> None:
    with pytest.raises(CorruptArtifactError, match="cannot be read"):
        FittedNetwork.from_bytes(spoil(quickly_fitted().to_bytes()))


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    training, validation = split()
    backwards = (training.take(range(len(training))[::-1]), validation.take(range(len(validation))[::-1]))
    assert fit(tmp_path, QUICK, backwards).to_bytes() == quickly_fitted().to_bytes()


def test_cutting_predictions_in_batches_changes_them_within_rounding() -> None:
    fitted, data = quickly_fitted(), perovskite_labels()
    whole, alone = (
        replace(fitted, settings=replace(QUICK, max_edges_per_batch=limit)).predict(data.graphs, data.extra)
        for limit in (10**9, 1)
    )
    for together, each in zip(whole, alone, strict=True):
        assert np.allclose(together.center, each.center, rtol=1e-4, atol=1e-5)
    assert [len(prediction.center) for prediction in fitted.predict([], data.extra[:0])] == [0, 0]


def test_nothing_else_of_the_process_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    fit(tmp_path / "checkpoints", replace(QUICK, max_epochs=1))
    assert torch.equal(torch.rand(3), expected)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_another_run_never_goes_on_from_a_foreign_checkpoint() -> None:
    backbone, (training, validation) = tiny_backbone(), split()
    keys = {
        fit_key(backbone.network, backbone.config, training, validation, QUICK),
        fit_key(backbone.network, backbone.config, training, validation, replace(QUICK, seed=1)),
        fit_key(backbone.network, backbone.config, training, validation, replace(QUICK, max_epochs=5)),
        fit_key(backbone.network, backbone.config, training.take(range(40)), validation, QUICK),
        fit_key(backbone.network, backbone.config, training, validation.take([1]), QUICK),
        fit_key(backbone.trainable_network().float(), backbone.config, training, validation, QUICK),
    }
    assert len(keys) == 6


def test_a_long_pass_is_cut_into_epochs_that_are_told_in_turn(tmp_path: Path) -> None:
    told: list[int] = []
    settings = replace(QUICK, max_epochs=2, max_batches_per_epoch=2)
    fitted = fit(tmp_path, settings, on_epoch=lambda epoch, metrics: told.append(epoch))
    assert told == list(range(len(told)))
    assert len(told) == len(fitted.curves["training_loss"]) > 2
    assert json.dumps(fitted.curves)


def test_what_cannot_be_fitted_is_refused(tmp_path: Path) -> None:
    training, validation = split()
    labels = training.labels.copy()
    labels[1:, 1] = np.nan
    with pytest.raises(FitError, match=r"gap has [01] labels"):
        fit(tmp_path, QUICK, (replace(training, labels=labels), validation))
    with pytest.raises(FitError, match="do not go with labels"):
        replace(training, labels=labels[:, :1])
    with pytest.raises(FitError, match="diverged"):
        fit(tmp_path, replace(QUICK, learning_rate=1e30, gradient_clip=1e30, warmup_fraction=0.0))
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="no GPU"):
            fit(tmp_path, replace(QUICK, accelerator="gpu"))


def test_a_feature_that_never_varies_is_kept_in_its_scale() -> None:
    head = PropertyHead(HeadConfig(n_site_features=2, n_extra=3, n_properties=1, hidden=4))
    extra = torch.tensor(perovskite_labels().extra)
    head.standardize_by(torch.randn(9, 2), extra)
    scaled = (extra - head.extra_mean) / head.extra_scale
    assert torch.allclose(scaled.mean(0), torch.zeros(3), atol=1e-5)
    assert torch.allclose(scaled.std(0, correction=0), torch.tensor([1.0, 1.0, 0.0]), atol=1e-5)


@pytest.mark.parametrize(
    ("asked", "architecture", "capability", "chosen"),
    [
        ("auto", "schnet", (9, 0), "bf16-mixed"),
        ("auto", "dimenet", (8, 0), "bf16-mixed"),
        ("auto", "schnet", (7, 5), "32-true"),  # float16 alone, whose gradients vanish
        ("auto", "mace", (9, 0), "32-true"),
        ("auto", "schnet", None, "32-true"),
        ("bf16-mixed", "mace", (9, 0), "bf16-mixed"),
        ("16-mixed", "schnet", (7, 5), "16-mixed"),
        ("32-true", "schnet", (9, 0), "32-true"),
        ("bf16-mixed", "schnet", None, "32-true"),
    ],
)
def test_bfloat16_is_taken_where_it_is_safe(
    asked: Precision, architecture: str, capability: tuple[int, int] | None, chosen: str
) -> None:
    assert choose_precision(asked, architecture, capability) == chosen


@pytest.mark.parametrize(
    "config", [MaceConfig(r_max=4.0, layers=1, correlation=1, max_ell=1), SchNetConfig(channels=8)]
)
def test_mixed_precision_stays_near_single_precision(config: NetworkConfig) -> None:
    network = build_network(replace(config, dtype="float32"), 0)
    data = perovskite_labels().take(range(6))
    scaling = TargetScaling.of(data)
    rows = PreparedGraphs(data, scaling)
    head = build_head(HeadConfig(len(network.feature_names), 3, 2, hidden=8), seed=0)
    autocasts = not isinstance(config, MaceConfig)
    module = FitModule(network, head, rows, rows, scaling, QUICK, autocasts=autocasts)
    batch = rows.collate(range(6))
    single = module(batch)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = module(batch)
        fit_loss(mixed, batch, LossWeights.of(data.labels, scaling), QUICK).backward()
    assert mixed.mean.dtype == torch.float32
    assert not torch.equal(mixed.mean, single.mean)
    assert torch.allclose(mixed.mean, single.mean, rtol=0.05, atol=0.02)
    assert all(weight.grad is None or torch.isfinite(weight.grad).all() for weight in module.parameters())


@given(
    n_rows=st.integers(1, 40),
    n_processes=st.integers(1, 8),
    share=st.floats(0.1, 2.0),
    seed=st.integers(0, 99),
)
def test_processes_share_a_batch_so_that_the_mean_of_their_losses_is_its_loss(
    n_rows: int, n_processes: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    counts, losses = rng.integers(0, 300, 100), rng.normal(size=100)
    rows = rng.permutation(100)[:n_rows]
    parts = [Share(rank, n_processes).take(rows, share, counts) for rank in range(n_processes)]
    counted = [row for taken, weight in parts for row in taken if weight > 0]
    assert sorted(counted) == sorted(rows)
    assert all(len(taken) for taken, _ in parts)  # every process makes every step
    together = np.mean([losses[taken].mean() * weight for taken, weight in parts])
    assert together == pytest.approx(losses[rows].mean() * share, abs=1e-12)
