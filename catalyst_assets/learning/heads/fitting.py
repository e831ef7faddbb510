"""Fitting heads: every kind that was asked for, the best of each property kept, calibrated and judged.

A head is a pure function of its labels and seed, whatever their order.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.model import HeadKind
from catalyst_assets.errors import LoopError
from catalyst_assets.learning.heads.head import (
    FittedHead,
    assign_folds,
    canonical_order,
    has_typical,
    prior_head,
    typical_of,
)
from catalyst_assets.learning.heads.property_model import FEWEST_FOR_A_HEAD, PropertyModel
from catalyst_assets.learning.heads.relations.coupling import find_couplings
from catalyst_assets.learning.heads.relations.fidelities import CheapAnswers, Fidelity, find_fidelities
from catalyst_assets.learning.heads.selection import (
    LabelledTask,
    choose,
    feature_blocks,
    fit_kinds,
    make_tasks,
)
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.heads.stacked import prior_model
from catalyst_assets.learning.significance import paired
from catalyst_assets.learning.uncertainty.calibration import Calibration, fit_quantiles
from catalyst_assets.learning.uncertainty.couplings import Coupling, ancestry, prior_apart, take_apart
from catalyst_assets.learning.uncertainty.label_noise import (
    known_noise,
    noise_apart,
    take_noise,
    truth_moments,
    truth_share,
)
from catalyst_assets.learning.uncertainty.marginals import Marginal, normal_scores, score_correlation
from catalyst_assets.learning.uncertainty.quantiles import QuantileMap
from catalyst_assets.learning.uncertainty.report import (
    PropertyReport,
    ValidationReport,
    score_coupled,
    score_held_out,
)
from catalyst_assets.vocabulary.known import zero_inflated


def fit_head(
    features: NDArray[np.float32],
    feature_names: Sequence[str],
    labels: NDArray[np.float64],
    groups: Sequence[str],
    properties: Sequence[str],
    settings: HeadSettings | None = None,
    noise: NDArray[np.float64] | None = None,
) -> FittedHead:
    """Fit the stacked kind of head; see :func:`fit_heads`."""
    return fit_heads(
        [HeadKind.STACKED], features, feature_names, labels, groups, properties, settings, noise=noise
    )


def fit_heads(
    kinds: Sequence[HeadKind],
    features: NDArray[np.float32],
    feature_names: Sequence[str],
    labels: NDArray[np.float64],
    groups: Sequence[str],
    properties: Sequence[str],
    settings: HeadSettings | None = None,
    like: FittedHead | None = None,
    noise: NDArray[np.float64] | None = None,
) -> FittedHead:
    """Fit heads of several kinds and keep of each property the best on groups that it was not shown.

    Parameters
    ----------
    kinds
        At least one; where two predict about as well, the earlier is kept.
    features
        Shape (n, f), finite.
    feature_names
        The f names; what stands before the last ``:`` names the block a feature belongs to. Cheap answers among them
        (``heads.relations.fidelities``) are what the properties are learned on top of, unless
        one is predicted worse by that on groups that were not shown.
    labels
        Shape (n, p), NaN where a property was not measured.
    groups
        The n chemical systems: validation never sees one on both sides.
    properties
        The p names.
    settings
        Size and seed.
    like
        An earlier head; see :func:`condition_head`.
    noise
        Shape (n, p): standard deviations of the labels, of the means of replicates for example; NaN where they are not
        known. Every part takes them into account (``uncertainty.label_noise``); None where none is known.

    Returns
    -------
    With fewer than five labels of a property it predicts what is typical of it; with fewer than five of each
    the whole head does, and has no report.
    """
    settings = settings or HeadSettings()
    cheap = CheapAnswers.of(features, feature_names)
    if not cheap.names:
        return _fit_heads(kinds, features, feature_names, labels, groups, properties, settings, like, noise)

    def fit(fidelities: tuple[Fidelity, ...]) -> FittedHead:
        offsets, deviations = cheap.offsets(fidelities, len(properties))
        head = _fit_heads(
            kinds,
            cheap.features,
            cheap.feature_names,
            labels - offsets,
            groups,
            properties,
            settings,
            like,
            np.hypot(deviations, 0.0 if noise is None else np.nan_to_num(noise)),
            offsets,
            {one.column for one in fidelities},
        )
        return replace(head, feature_names=tuple(feature_names), fidelities=fidelities or None)

    if like is not None:
        return fit(like.fidelities or ())
    typical = [typical_of(name) for name in properties]
    known = known_noise(noise)
    order = canonical_order(features, labels if known is None else np.hstack([labels, known]))
    ordered = CheapAnswers.of(features[order], feature_names)
    blur = take_noise(known, order)
    found = find_fidelities(ordered, labels[order], properties, typical, blur, settings.seed)
    head = fit(found)
    if not found or head.report is None:
        return head
    alone = fit(())
    kept = tuple(one for one in found if _pays(head, alone, properties[one.column]))
    if len(kept) == len(found):
        return head
    return fit(kept) if kept else alone


def _pays(on_top: FittedHead, alone: FittedHead, name: str) -> bool:
    """Whether a property is predicted no worse on top of its cheap answer, beyond a standard error of the difference."""
    if on_top.report is None or alone.report is None or name not in on_top.report.properties:
        return True
    judged, other = on_top.report.properties[name], alone.report.properties[name]
    worse = paired(abs(judged.predicted - judged.observed), abs(other.predicted - other.observed))
    return worse.standard_error is None or worse.mean <= worse.standard_error


def _fit_heads(
    kinds: Sequence[HeadKind],
    features: NDArray[np.float32],
    feature_names: Sequence[str],
    labels: NDArray[np.float64],
    groups: Sequence[str],
    properties: Sequence[str],
    settings: HeadSettings,
    like: FittedHead | None,
    noise: NDArray[np.float64] | None,
    offsets: NDArray[np.float64] | None = None,
    on_top: Collection[int] = (),
) -> FittedHead:
    """Fit heads to labels less ``offsets`` of shape (n, p), which the report adds again.

    Of the columns ``on_top`` what is learned is a remainder: nothing that is declared of the property holds of it.
    """
    counts = np.isfinite(labels).sum(0)
    if not len(labels) or counts.max(initial=0) < FEWEST_FOR_A_HEAD:
        return prior_head(properties, feature_names, settings)
    noise = known_noise(noise)
    order = canonical_order(features, labels if noise is None else np.hstack([labels, noise]))
    rows = np.ascontiguousarray(features[order], dtype=np.float32)
    values, noise = labels[order], take_noise(noise, order)
    folds = assign_folds([groups[i] for i in order], settings.n_folds, settings.seed)
    declared = [False if column in on_top else zero_inflated(name) for column, name in enumerate(properties)]
    couplings = like.couplings if like is not None else ()
    if like is None and settings.couple:
        couplings = find_couplings(rows, values, settings.seed, declared, noise)
    apart, blur = take_apart(values, couplings), noise_apart(noise, couplings)
    typical = [
        typical_of(name)
        if (has_typical(name) and column not in on_top) or counts[column] < FEWEST_FOR_A_HEAD
        else _empirical_prior(values[:, column], take_noise(noise, np.s_[:, column]))
        for column, name in enumerate(properties)
    ]
    priors = prior_apart(typical, couplings)
    learned = {column: priors[column] for column in np.flatnonzero(counts >= FEWEST_FOR_A_HEAD).tolist()}
    children = {coupling.child for coupling in couplings}
    zeros = {column: said for column, said in enumerate(declared) if column not in children}
    known_kinds = like.kinds if like is not None else {}
    earlier = {
        column: like.models[column]
        for column, name in enumerate(properties)
        if like is not None and name in known_kinds
    }
    blocks = feature_blocks(feature_names)
    tasks = make_tasks(rows, apart, folds, blocks, learned, zeros, settings, earlier, blur)
    wanted = {
        column: (known_kinds[properties[column]],) if column in earlier else tuple(kinds) for column in tasks
    }
    fits = fit_kinds(wanted, rows, folds, tasks, settings)
    models: list[PropertyModel] = [prior_model(*prior) for prior in priors]
    calibrations = [Calibration()] * len(properties)
    kept: dict[str, HeadKind] = {}
    choices: dict[str, dict[HeadKind, float]] = {}
    held_out: dict[int, Marginal] = {}
    curves: dict[str, tuple[float, ...]] = {}
    scores = np.full(values.shape, np.nan)
    shares = None if noise is None else np.ones(values.shape)
    for column, (known, task) in tasks.items():
        name = properties[column]
        choices[name] = {kind: fit.score for kind, fit in fits[column].items()}
        kept[name] = choose(choices[name])
        fit = fits[column][kept[name]]
        models[column] = fit.model
        held_out[column] = fit.held_out
        quantiles = QuantileMap()
        if settings.recalibrate:
            quantiles = fit_quantiles(fit.held_out, task.target, task.folds, task.noise)
        calibrations[column] = Calibration(fit.spread_scale, quantiles=quantiles)
        mapped = Calibration(quantiles=quantiles).apply(fit.held_out)
        scores[known, column] = normal_scores(mapped.blurred(task.noise), task.target)
        if shares is not None and task.noise is not None:
            shares[known, column] = truth_share(fit.held_out.spread**2, task.noise)
        curves |= {f"{name}/{curve}": points for curve, points in fit.curves.items()}
    correlation = score_correlation(scores, shares=shares)
    reports = {
        properties[column]: _judge_property(
            column,
            held_out,
            tasks,
            couplings,
            correlation,
            order,
            settings,
            noise,
            None if offsets is None else offsets[:, column],
        )
        for column in tasks
    }
    return FittedHead(
        tuple(properties),
        tuple(models),
        correlation,
        tuple(feature_names),
        ValidationReport(reports, curves),
        settings,
        tuple(calibrations),
        kept,
        choices,
        couplings,
    )


def condition_head(
    earlier: FittedHead,
    kinds: Sequence[HeadKind],
    features: NDArray[np.float32],
    feature_names: Sequence[str],
    labels: NDArray[np.float64],
    groups: Sequence[str],
    noise: NDArray[np.float64] | None = None,
) -> FittedHead:
    """Condition an earlier head on labels that it did not have; what it had learned of the shape of things is kept.

    Kept are which kind of head predicts a property, which property follows which, and of a process its kernel, scaling
    and share in the mixture: it is conditioned on all labels, without fitting hyperparameters. Trees and networks have no
    posterior to condition, and are fitted again by the earlier head's settings. Calibration, recalibration and the report
    are those of what comes of it.

    Parameters
    ----------
    earlier
        A head of the same features and properties.
    kinds
        What is fitted of a property that it had not learned.
    features, feature_names, labels, groups, noise
        As in :func:`fit_heads`.

    Raises
    ------
    LoopError
        It was fitted to other features.
    """
    if tuple(feature_names) != earlier.feature_names:
        raise LoopError(
            "The earlier head was fitted to other features, and cannot be conditioned on these.",
            "Fit another one.",
        )
    return fit_heads(
        kinds, features, feature_names, labels, groups, earlier.properties, earlier.settings, earlier, noise
    )


def _judge_property(
    column: int,
    held_out: dict[int, Marginal],
    tasks: dict[int, LabelledTask],
    couplings: Sequence[Coupling],
    correlation: NDArray[np.float64],
    order: NDArray[np.int64],
    settings: HeadSettings,
    noise: NDArray[np.float64] | None,
    offset: NDArray[np.float64] | None,
) -> PropertyReport:
    """Judge a property, with its labels in the order they were given; ``offset``, of that order, is added to them."""
    known, task = tasks[column]
    original = np.argsort(order[known], kind="stable")
    added = None if offset is None else offset[np.sort(order[known])]
    folds, seed, recalibrate = task.folds[original], settings.seed, settings.recalibrate
    line = ancestry(column, couplings)
    if len(line) == 1:
        blur = take_noise(task.noise, original)
        return score_held_out(
            held_out[column].take(original), task.target[original], folds, seed, recalibrate, blur, added
        )
    marginals, observed = [], []
    for member in line:
        rows = np.searchsorted(tasks[member][0], known)[original]
        marginals.append(held_out[member].take(rows))
        observed.append(tasks[member][1].target[rows])
    slopes = [coupling.slope for member in line for coupling in couplings if coupling.child == member]
    return score_coupled(
        marginals,
        np.stack(observed, axis=1),
        slopes,
        correlation[np.ix_(line, line)],
        folds,
        seed,
        recalibrate,
        take_noise(noise, (known[original][:, None], line)),
        added,
    )


def _empirical_prior(labels: NDArray[np.float64], noise: NDArray[np.float64] | None) -> tuple[float, float]:
    known = np.isfinite(labels)
    mean, std = truth_moments(labels[known], take_noise(noise, known))
    return mean, max(std, 1e-6)
