"""Adapting the backbone to a campaign's labels: a few networks, each leaving chemical systems out.

What a network leaves out chooses its best epoch, recalibrates it and judges it. How one network is fitted is
``representation.fitting``'s; what comes of it is a ``FineTunedModel``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.errors import LoopError
from catalyst_assets.learning.heads.head import assign_folds
from catalyst_assets.learning.models.fine_tuned import FineTunedModel, FineTuneSettings, descriptors_among
from catalyst_assets.learning.models.pooling import join_rows, pool_members
from catalyst_assets.learning.uncertainty.calibration import (
    Calibration,
    cross_fit_spread,
    fit_quantiles,
    fit_spread,
)
from catalyst_assets.learning.uncertainty.label_noise import known_noise, take_noise, truth_share
from catalyst_assets.learning.uncertainty.marginals import normal_scores, score_correlation
from catalyst_assets.learning.uncertainty.report import ValidationReport, score_held_out
from catalyst_assets.seeds import derive_seed

if TYPE_CHECKING:
    from catalyst_assets.representation.backbones import Backbone
    from catalyst_assets.representation.fitting.data import LabelledGraphs
    from catalyst_assets.representation.fitting.fitted import FittedNetwork
    from catalyst_assets.representation.fitting.head import HurdlePrediction
    from catalyst_assets.representation.fitting.settings import FitSettings
    from catalyst_assets.representation.graphs import CrystalGraph

FEWEST_LABELS_TO_FINE_TUNE: Final = 20
# Of these, what each network must be left with.
_FEWEST_TAUGHT: Final = 10
# Folds by which a recalibration is judged.
_JUDGING_FOLDS: Final = 5

# Called with the name of a curve, the epoch and the value.
OnEpoch = Callable[[str, int, float], None]


def can_fine_tune(labels: NDArray[np.float64], groups: Sequence[str], settings: FineTuneSettings) -> bool:
    """Tell whether there is a property to adapt networks to.

    Parameters
    ----------
    labels, groups
        Shape (n, p) with NaN where none is known, and the n chemical systems.
    settings
        How many networks there are, and what they leave out.
    """
    return bool(_find_learnable(labels, _leave_folds_out(groups, settings)))


def fine_tune(
    backbone: "Backbone",
    graphs: "Sequence[CrystalGraph]",
    features: NDArray[np.float32],
    feature_names: Sequence[str],
    labels: NDArray[np.float64],
    groups: Sequence[str],
    properties: Sequence[str],
    settings: FineTuneSettings,
    checkpoints: Path,
    *,
    left_out: "Sequence[NDArray[np.int64]] | None" = None,
    on_epoch: OnEpoch | None = None,
    noise: NDArray[np.float64] | None = None,
) -> FineTunedModel:
    """Adapt a backbone to labels; a call that was killed goes on where it was when it is made again.

    Parameters
    ----------
    backbone
        Where every network starts from.
    graphs
        The n crystals, with neighbours within the backbone's cutoff.
    features, feature_names
        Cached features, shape (n, f); of these the descriptors go into the networks' heads.
    labels
        Shape (n, p), NaN where a property is not known.
    groups
        The n chemical systems: none is on both sides of a fold.
    properties
        The p names.
    settings
        How.
    checkpoints
        Folder of what a killed call left; the caller removes it once the model is stored.
    left_out
        Rows that each member leaves out, instead of its fold of chemical systems.
    on_epoch
        Hears of each epoch of each member.
    noise
        Shape (n, p): standard deviations of the labels, NaN where they are not known; None where none is.

    Raises
    ------
    LoopError
        No property has labels enough.
    FitError
        A training diverged, or there is no such accelerator.
    """
    from catalyst_assets.representation.fitting.data import LabelledGraphs

    if left_out is None:
        left_out = _leave_folds_out(groups, settings)
    columns = _find_learnable(labels, left_out)
    if not columns:
        raise LoopError(
            f"No property has {FEWEST_LABELS_TO_FINE_TUNE} labels, the fewest that a network is adapted to, in chemical systems "
            f"enough to leave each network {_FEWEST_TAUGHT}.",
            "Leave `learning.fine_tune` out of the campaign until there are more.",
        )
    extra = descriptors_among(features, feature_names)
    learned = tuple(properties[column] for column in columns)
    blur = None if noise is None else known_noise(noise[:, columns])
    data = LabelledGraphs(graphs, extra, labels[:, columns], learned, blur)
    # What is stored tells nothing of the machine it was made on.
    anywhere = replace(settings, fit=_anywhere(settings.fit))
    members: list[FittedNetwork] = []
    held_out: dict[bytes, tuple[NDArray[np.int64], list[tuple[HurdlePrediction, ...]]]] = {}
    for number, rows in enumerate(left_out):
        member, predictions = _fit_member(backbone, data, rows, number, settings, checkpoints, on_epoch)
        members.append(replace(member, settings=_anywhere(member.settings)))
        held_out.setdefault(rows.tobytes(), (rows, []))[1].append(predictions)
    calibrations, report, correlation = _judge(
        data, groups, list(held_out.values()), members, settings, properties
    )
    return FineTunedModel(
        tuple(properties),
        learned,
        tuple(members),
        calibrations,
        correlation,
        tuple(feature_names),
        tuple(sorted({int(row) for rows, _ in held_out.values() for row in rows})),
        report,
        anywhere,
    )


def _anywhere(fit: "FitSettings") -> "FitSettings":
    """Return settings as they are where nothing was said of the machine."""
    return replace(fit, accelerator="auto", devices=1)


def _leave_folds_out(groups: Sequence[str], settings: FineTuneSettings) -> list[NDArray[np.int64]]:
    folds = assign_folds(groups, settings.n_folds, settings.fit.seed)
    return [np.flatnonzero(folds == number) for number in range(settings.members)]


def _find_learnable(labels: NDArray[np.float64], left_out: "Sequence[NDArray[np.int64]]") -> list[int]:
    """Return the columns that each network is taught enough of, and that some network is judged by."""
    known = np.isfinite(labels)
    taught = np.min([np.delete(known, rows, axis=0).sum(0) for rows in left_out], axis=0)
    is_judged = known[np.concatenate(left_out)].any(0)
    return np.flatnonzero(
        (known.sum(0) >= FEWEST_LABELS_TO_FINE_TUNE) & (taught >= _FEWEST_TAUGHT) & is_judged
    ).tolist()


def _fit_member(
    backbone: "Backbone",
    data: "LabelledGraphs",
    rows: NDArray[np.int64],
    number: int,
    settings: FineTuneSettings,
    checkpoints: Path,
    on_epoch: OnEpoch | None,
) -> "tuple[FittedNetwork, tuple[HurdlePrediction, ...]]":
    from catalyst_assets.representation.devices import choose_device
    from catalyst_assets.representation.fitting.fit import fit_network

    left_out = data.take(rows)

    def tell(epoch: int, metrics: Mapping[str, float]) -> None:
        if on_epoch is not None:
            for name, value in metrics.items():
                on_epoch(f"member{number}/{name}", epoch, value)

    member = fit_network(
        backbone.network,
        backbone.config,
        data.take(np.setdiff1d(np.arange(len(data)), rows)),
        left_out,
        replace(settings.fit, seed=derive_seed(settings.fit.seed, "member", number)),
        checkpoints,
        on_epoch=tell,
    )
    device = choose_device(settings.fit.accelerator)
    return member, member.predict(left_out.graphs, left_out.extra, device=device)


def _judge(
    data: "LabelledGraphs",
    groups: Sequence[str],
    held_out: "Sequence[tuple[NDArray[np.int64], list[tuple[HurdlePrediction, ...]]]]",
    members: "Sequence[FittedNetwork]",
    settings: FineTuneSettings,
    properties: Sequence[str],
) -> tuple[tuple[Calibration, ...], ValidationReport, NDArray[np.float64]]:
    """Calibrate and judge by what was left out; rows that several members left out, by these together."""
    rows = np.concatenate([index for index, _ in held_out])
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    folds = assign_folds([groups[row] for row in rows], _JUDGING_FOLDS, settings.fit.seed)
    calibrations, reports = [], {}
    scores = np.full((len(rows), len(properties)), np.nan)
    shares = None if data.noise is None else np.ones(scores.shape)
    for column, name in enumerate(data.properties):
        observed = data.labels[rows, column]
        known = np.isfinite(observed)
        noise = take_noise(data.noise, (rows[known], column))
        pooled = [
            pool_members([predictions[column] for predictions in by_member]) for _, by_member in held_out
        ]
        marginal = join_rows(pooled).take(order[known])
        typical = float(np.nanstd(data.labels[:, column]))
        spread = fit_spread(marginal, observed[known], typical, noise)
        quantiles = fit_quantiles(spread.apply(marginal), observed[known], folds[known], noise)
        calibrations.append(replace(spread, quantiles=quantiles))
        if known.any():
            fair = cross_fit_spread(marginal, observed[known], folds[known], typical, noise)
            reports[name] = score_held_out(
                fair, observed[known], folds[known], settings.fit.seed, recalibrate=True, noise=noise
            )
            position = list(properties).index(name)
            calibrated = calibrations[-1].apply(marginal)
            scores[known, position] = normal_scores(calibrated.blurred(noise), observed[known])
            if shares is not None and noise is not None:
                shares[known, position] = truth_share(calibrated.spread**2, noise)
    curves = {
        f"member{number}/{name}": tuple(value for _, value in points)
        for number, member in enumerate(members)
        for name, points in member.curves.items()
    }
    report = ValidationReport(reports, curves)
    return tuple(calibrations), report, score_correlation(scores, shares=shares)
