"""What is shown of registered versions: a record each, and two of them side by side.

Registering, choosing and loading is ``registry``'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Self

from catalyst_assets.campaigns.labels import learned_from, load_superseded
from catalyst_assets.learning.models import registry
from catalyst_assets.learning.models.comparison import SharedErrors
from catalyst_assets.learning.training_set import read_training_set
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from resources.mlflow.model_registry import RegisteredVersion
    from resources.platform import Platform


_COMPARED: Final = {
    "campaign": "campaign_sha256",
    "code": "code_version",
    "backbone": "backbone",
    "labels": "label_sha256",
    "model": "model_sha256",
}


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """One registered version.

    Attributes
    ----------
    labels
        How many were frozen for its iteration.
    mae_by_property, miscalibration_area_by_property
        Held out, on chemical systems left out; the error in the property's unit.
    relative_mae, miscalibration_area
        Means over the properties; None of a version that has not learned.
    test_mae_by_property
        On the campaign's frozen test set; empty until it was measured.
    kinds, scores_by_kind
        What predicts each property, such as ``stacked``, and by which scores it was chosen: continuous ranked
        probability scores in the property's unit, lower is better; empty of versions that did not record them.
    decision, reason
        Whether it became champion when it was registered, and why.
    promotions
        Each time it was made champion: when, by whom, why, instead of which.
    superseded
        Labels that it learned from and that were corrected or retracted since, as sentences.
    """

    name: str
    version: int
    is_champion: bool
    partition_key: str
    iteration: int
    labels: int
    relative_mae: float | None = None
    miscalibration_area: float | None = None
    mae_by_property: Mapping[str, float]
    miscalibration_area_by_property: Mapping[str, float] = field(default_factory=dict)
    test_mae_by_property: Mapping[str, float]
    kinds: Mapping[str, str] = field(default_factory=dict)
    scores_by_kind: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    created_at: str
    model_sha256: str
    training_set_sha256: str
    label_sha256: str
    campaign_sha256: str
    code_version: str
    backbone: str
    mlflow_run_id: str
    source: str
    decision: str
    reason: str
    promotions: tuple[dict[str, Any], ...]
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelComparison:
    """Two versions side by side.

    Attributes
    ----------
    shared
        Held-out errors of both on the materials both have labels of; None where they share too few.
    labels
        For each property how many labels were added, removed, changed and kept from the first to the second.
    features_added, features_removed
        How many features only the second, and only the first, was fitted to.
    same
        Whether campaign, code, backbone, labels and model are the same.
    """

    first: ModelRecord
    second: ModelRecord
    shared: SharedErrors | None
    labels: Mapping[str, Mapping[str, int]]
    features_added: int
    features_removed: int
    same: Mapping[str, bool]


def list_models(
    platform: "Platform", campaign: str | None = None, *, must_exist: bool = True
) -> list[ModelRecord]:
    """Return the registered versions of one campaign or of all, oldest first.

    Raises
    ------
    UsageError
        No model goes by that name, and it must exist.
    """
    names = platform.registry.names() if campaign is None else [campaign]
    about = _Measured.of(platform)
    records = []
    for name in names:
        versions = platform.registry.versions(name)
        if not versions and campaign is not None and must_exist:
            registry.find_version(platform.registry, campaign)
        records += [_record(version, about) for version in versions]
    return records


def count_unregistered(platform: "Platform", campaign: str | None = None) -> int:
    """Return how many trained models have no version."""
    with platform.database.transaction() as connection:
        trained = fetch_all(connection, "learning/models", campaign=campaign)
        return sum(
            registry.version_number(connection, row["partition_key"], row["model_sha256"]) is None
            for row in trained
        )


def compare_models(platform: "Platform", first: str, second: str) -> ModelComparison:
    """Compare two versions, each given as ``NAME``, ``NAME@champion`` or ``NAME@3``.

    Raises
    ------
    UsageError
        One of them does not exist.
    """
    one, other = (registry.find_version(platform.registry, reference) for reference in (first, second))
    about = _Measured.of(platform)
    left, right = _record(one, about), _record(other, about)
    with platform.database.transaction() as connection:
        differences = fetch_all(
            connection,
            "learning/label_difference",
            earlier=left.partition_key,
            later=right.partition_key,
        )
    names = [
        set(read_training_set(platform.objects, record.training_set_sha256).feature_names)
        for record in (left, right)
    ]
    return ModelComparison(
        first=left,
        second=right,
        shared=registry.compare_versions(platform.objects, one, other),
        labels={
            row["property"]: {key: row[key] for key in ("added", "removed", "changed", "kept")}
            for row in differences
        },
        features_added=len(names[1] - names[0]),
        features_removed=len(names[0] - names[1]),
        same={what: getattr(left, name) == getattr(right, name) for what, name in _COMPARED.items()},
    )


@dataclass(frozen=True)
class _Measured:
    """What became known of iterations after their models were registered.

    Attributes
    ----------
    test_errors
        On the frozen test sets, by iteration and model.
    superseded
        Labels that were corrected or retracted, by iteration.
    """

    test_errors: Mapping[tuple[str, str], Mapping[str, float]]
    superseded: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, platform: "Platform") -> Self:
        with platform.database.transaction() as connection:
            rows = fetch_all(connection, "learning/models", campaign=None)
            superseded = load_superseded(connection)
        return cls(
            {
                (row["partition_key"], row["model_sha256"]): row["metrics"].get("test_mae_by_property") or {}
                for row in rows
            },
            {key: tuple(map(str, learned_from(labels))) for key, labels in superseded.items()},
        )


def _record(version: "RegisteredVersion", about: _Measured) -> ModelRecord:
    origin, metrics = registry.Origin.of(version), registry.recorded_metrics(version)
    found = (
        metrics
        | vars(origin)
        | vars(version)
        | {
            "partition_key": origin.partition,
            "iteration": int(origin.iteration),
            "labels": int(origin.labels),
            "mae_by_property": metrics.get("valid_mae_by_property", {}),
            "test_mae_by_property": about.test_errors.get((origin.partition, origin.model_sha256), {}),
            "superseded": about.superseded.get(origin.partition, ()),
            "created_at": version.created_at.isoformat(timespec="seconds"),
            "mlflow_run_id": version.run_id,
            "decision": version.tags.get(registry.DECISION, ""),
            "reason": version.tags.get(registry.REASON, ""),
            "promotions": tuple(registry.promotions(version)),
        }
    )
    return ModelRecord(**{part.name: found[part.name] for part in fields(ModelRecord) if part.name in found})
