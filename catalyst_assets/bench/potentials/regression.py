"""What a pretrained potential's features are worth to the platform's heads, with many labels and with few.

Beside it, on the same rows: the same heads on our descriptors alone, a random forest that knows the composition, and,
of few labels, a network of ours trained from random weights.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, cast

import numpy as np

from catalyst_assets.bench.perov5 import RelaxedCrystals, split_at_random, split_by_group
from catalyst_assets.bench.regression import PreparedCrystals, forest_mae, prefixed, prepare
from catalyst_assets.campaigns.model import HeadKind
from catalyst_assets.errors import InvalidPoolError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catalyst_assets.bench.transfer import TransferSettings
    from catalyst_assets.learning.uncertainty.report import PropertyReport
    from catalyst_assets.representation.networks.configs import PotentialConfig
    from resources.settings import Settings

Progress = Callable[[str], None]
_PROPERTY = "value"
_DRAWS = 512


@dataclass(frozen=True)
class FeatureRegressionReport:
    """What `catalyst bench regression --potential … --json` prints; errors in the unit of the table.

    Attributes
    ----------
    width
        Features of the potential; the heads see our descriptors beside them.
    test_mae, miscalibration_area, coverage
        Of the random split; coverage of the central 50, 80 and 95 % intervals.
    grouped_test_mae, grouped_miscalibration_area, grouped_coverage
        Of the split by chemical system.
    descriptors_mae, grouped_descriptors_mae
        Of the same heads on the descriptors alone.
    forest_mae, grouped_forest_mae
        Of a composition-only random forest.
    describe_seconds
        Of the potential's features; ``seconds`` in all.
    """

    property: str
    potential: str
    head: str
    n_structures: int
    width: int
    test_mae: float
    miscalibration_area: float
    coverage: dict[str, float]
    grouped_test_mae: float
    grouped_miscalibration_area: float
    grouped_coverage: dict[str, float]
    descriptors_mae: float
    grouped_descriptors_mae: float
    forest_mae: float
    grouped_forest_mae: float
    mean_mae: float
    describe_seconds: float
    seconds: float


@dataclass(frozen=True)
class FewLabelsReport:
    """What `catalyst bench transfer --potential … --json` prints; a test error a seed, in the unit of the table.

    Attributes
    ----------
    pretrained_mae
        By property: of heads on the potential's features and our descriptors.
    descriptors_mae
        Of the same heads on the descriptors alone.
    scratch_mae
        Of a network of ours from random weights, as without ``--potential``.
    median_ratio
        Median over the seeds of pretrained by scratch: below 1, the potential pays.
    """

    potential: str
    head: str
    n_labels: int
    n_test: int
    seeds: list[int]
    pretrained_mae: dict[str, list[float]]
    descriptors_mae: dict[str, list[float]]
    scratch_mae: dict[str, list[float]]
    median_ratio: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class _Described:
    """Crystals by the potential's features, shape (n, width), and by our descriptors."""

    features: "NDArray[np.float32]"
    prepared: PreparedCrystals

    def columns(self, *, pretrained: bool) -> "tuple[NDArray[np.float32], tuple[str, ...]]":
        if not pretrained:
            return self.prepared.descriptors, self.prepared.names
        names = tuple(f"net:{column}" for column in range(self.features.shape[1]))
        return np.hstack([self.features, self.prepared.descriptors]), names + self.prepared.names


def run_feature_regression(
    crystals: RelaxedCrystals,
    property_name: str,
    potential: str,
    settings: "Settings",
    head: HeadKind = HeadKind.DEEP_ENSEMBLE,
    seed: int = 0,
    say: Progress = lambda text: None,
) -> FeatureRegressionReport:
    """Fit heads to nine tenths of the rows and judge them on the others, on both splits.

    Raises
    ------
    PotentialError
        Its environment is not installed.
    InvalidPoolError
        A structure has no features or no graph.
    """
    started = time.perf_counter()
    described = _describe(crystals, potential, settings, say)
    described_at = time.perf_counter()
    values = crystals.values
    told: dict[str, PropertyReport] = {}
    forests: dict[str, float] = {}
    for name, split in (
        ("random", split_at_random(len(values), seed)),
        ("grouped", split_by_group(crystals.chemical_systems, seed)),
    ):
        tell = prefixed(say, f"{name} split: ")
        taught = np.sort(np.concatenate([split.train, split.validation]))
        forests[name] = forest_mae(described.prepared, values, taught, split.test, seed)
        for pretrained in (True, False):
            tell(f"heads on {'features and ' if pretrained else ''}descriptors")
            told[f"{name} {pretrained}"] = _judge(
                described, crystals, taught, split.test, head, seed, pretrained=pretrained
            )
    return FeatureRegressionReport(
        property=property_name,
        potential=potential,
        head=head.value,
        n_structures=len(values),
        width=described.features.shape[1],
        test_mae=told["random True"].mae,
        miscalibration_area=told["random True"].miscalibration_area,
        coverage=told["random True"].coverage,
        grouped_test_mae=told["grouped True"].mae,
        grouped_miscalibration_area=told["grouped True"].miscalibration_area,
        grouped_coverage=told["grouped True"].coverage,
        descriptors_mae=told["random False"].mae,
        grouped_descriptors_mae=told["grouped False"].mae,
        forest_mae=forests["random"],
        grouped_forest_mae=forests["grouped"],
        mean_mae=told["random True"].baseline_mae,
        describe_seconds=described_at - started,
        seconds=time.perf_counter() - started,
    )


def run_few_labels(
    targets: dict[str, RelaxedCrystals],
    potential: str,
    seeds: Sequence[int],
    few: "TransferSettings",
    settings: "Settings",
    head: HeadKind = HeadKind.STACKED,
    say: Progress = lambda text: None,
) -> FewLabelsReport:
    """Fit heads to few labels of each property, and judge them on all rows that remain.

    Parameters
    ----------
    targets
        The same crystals with each property.

    Raises
    ------
    PotentialError
        Its environment is not installed.
    InvalidPoolError
        A structure has no features or no graph.
    """
    from catalyst_assets.bench.regression import build_benchmark_backbone
    from catalyst_assets.bench.transfer import adapt

    started = time.perf_counter()
    described = _describe(next(iter(targets.values())), potential, settings, say)
    n = len(described.features)
    errors: dict[str, list[tuple[float, float, float]]] = {name: [] for name in targets}
    for seed in seeds:
        rows = np.random.default_rng(seed).permutation(n)
        labelled, tested = np.sort(rows[: few.n_labels]), np.sort(rows[few.n_labels :])
        for name, crystals in targets.items():
            tell = prefixed(say, f"seed {seed}: {name}, ")
            tell("heads")
            by_features, by_descriptors = (
                _judge(described, crystals, labelled, tested, head, seed, pretrained=pretrained).mae
                for pretrained in (True, False)
            )
            scratch = adapt(
                build_benchmark_backbone("mace", seed),
                described.prepared,
                crystals,
                labelled,
                tested,
                seed,
                few,
                prefixed(tell, "from scratch, "),
            )
            errors[name].append((by_features, by_descriptors, scratch))
    columns = {name: [list(column) for column in zip(*each, strict=True)] for name, each in errors.items()}
    return FewLabelsReport(
        potential=potential,
        head=head.value,
        n_labels=few.n_labels,
        n_test=n - few.n_labels,
        seeds=list(seeds),
        pretrained_mae={name: each[0] for name, each in columns.items()},
        descriptors_mae={name: each[1] for name, each in columns.items()},
        scratch_mae={name: each[2] for name, each in columns.items()},
        median_ratio={name: median(one / other for one, _, other in each) for name, each in errors.items()},
        seconds=time.perf_counter() - started,
    )


def _describe(crystals: RelaxedCrystals, potential: str, settings: "Settings", say: Progress) -> _Described:
    from catalyst_assets.representation.foundation.potentials import (
        describe_by_potential,
        potential_backbone,
    )

    config = cast("PotentialConfig", potential_backbone(potential, settings).config)
    say(f"features of {len(crystals.values)} structures by {potential}")
    described = describe_by_potential(crystals.structures, config, settings.accelerator, settings)
    for index, reason in described.failures.items():
        raise InvalidPoolError(f"Row {index + 1}: {reason}", "Remove the row.")
    say("descriptors")
    return _Described(described.values, prepare(crystals, config.cutoff))


def _judge(
    described: _Described,
    crystals: RelaxedCrystals,
    taught: "NDArray[np.int64]",
    tested: "NDArray[np.int64]",
    head: HeadKind,
    seed: int,
    *,
    pretrained: bool,
) -> "PropertyReport":
    from catalyst_assets.learning.heads.fitting import fit_heads
    from catalyst_assets.learning.heads.settings import HeadSettings
    from catalyst_assets.learning.uncertainty.report import compare

    columns, names = described.columns(pretrained=pretrained)
    fitted = fit_heads(
        [head],
        columns[taught],
        names,
        crystals.values[taught, None],
        [crystals.chemical_systems[row] for row in taught],
        [_PROPERTY],
        HeadSettings(seed=seed),
    )
    said = fitted.predict(columns[tested], _DRAWS, seed)
    observed = crystals.values[tested]
    below = (said.draws[:, :, 0] < observed[:, None]).mean(axis=1)
    baseline = np.full(len(observed), crystals.values[taught].mean())
    return compare(observed, said.mean[:, 0], said.std[:, 0], below, baseline)
