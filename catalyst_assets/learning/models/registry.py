"""Models as registered versions: one for each model an iteration fitted, with what it was made from, and the champion.

A model is named after its campaign. Its versions' files are those in the object store, not copies. The champion is
what a user gets who predicts something new, and what predicts in a campaign that asks for it.
"""

import getpass
import json
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.iterations import MODEL_PROVENANCE, Iteration, read_iteration
from catalyst_assets.errors import CorruptArtifactError, UsageError
from catalyst_assets.learning.models.comparison import (
    Decision,
    SharedErrors,
    VersionScores,
    compare_on_shared,
    decide_champion,
    find_worse_calibration,
)
from catalyst_assets.learning.models.marks import mark_superseded
from catalyst_assets.learning.models.stored_models import load_model, model_key
from catalyst_assets.learning.training_set import TrainingSet, load_fitted_to, read_training_set
from catalyst_assets.representation.features import FEATURE_VERSION
from resources.mlflow.model_registry import CHAMPION, ModelRegistry, RegisteredVersion
from resources.postgres.database import execute, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.learning.uncertainty.report import ValidationReport
    from resources.object_store import ObjectStore
    from resources.platform import Platform
    from resources.postgres.database import Database

METRICS: Final = "catalyst.metrics"
DECISION: Final = "catalyst.decision"
REASON: Final = "catalyst.reason"
PROMOTIONS: Final = "catalyst.promotions"
# Measured of an iteration after its model was registered, so no part of the version.
_MEASURED_LATER: Final = ("test_", "validation_", "evaluated", "hits", "pool_size")
_SHOWN: Final = ("relative_mae", "valid_mae", "miscalibration_area")


@dataclass(frozen=True)
class Origin:
    """What a version was made from, in words; each is a tag of it.

    Attributes
    ----------
    partition, iteration, labels
        The iteration, its number, and how many labels were frozen for it.
    feature_version
        Of the code that computed its features.
    """

    partition: str
    iteration: str
    labels: str
    model_sha256: str
    training_set_sha256: str
    label_sha256: str
    campaign_sha256: str
    code_version: str
    backbone: str
    feature_version: str

    @classmethod
    def of(cls, version: RegisteredVersion) -> "Origin":
        """Read it from a version's tags."""
        return cls(**{field.name: version.tags[f"catalyst.{field.name}"] for field in fields(cls)})

    @property
    def tags(self) -> dict[str, str]:
        """The tags of a version."""
        return {f"catalyst.{name}": value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Registration:
    """A version and what was decided of it.

    Attributes
    ----------
    is_new
        Whether it was registered now.
    """

    version: RegisteredVersion
    decision: Decision
    is_new: bool

    def is_of(self, partition_key: str, model_sha256: str) -> bool:
        """Tell whether it is the version of this model of this iteration."""
        origin = Origin.of(self.version)
        return (origin.partition, origin.model_sha256) == (partition_key, model_sha256)


def register_missing(
    platform: "Platform", campaign: str, partition_key: str = "", dagster_run_id: str = ""
) -> list[Registration]:
    """Register every model of a campaign that is not yet, in the order of its iterations, and settle the champion.

    Whatever an earlier run could not do, killed or without MLflow, is made up for.

    Parameters
    ----------
    partition_key, dagster_run_id
        The iteration that is being trained, and by which run.

    Returns
    -------
    One entry for each iteration whose model and training set the object store holds.

    Raises
    ------
    CatalystError
        MLflow or the object store cannot be used.
    """
    registry, objects = platform.registry, platform.objects
    settled = []
    with platform.database.transaction() as connection:
        execute(connection, "learning/lock_registry", name=campaign)
        origins = ((Origin.of(version), version) for version in registry.versions(campaign))
        known = {(origin.partition, origin.model_sha256): version for origin, version in origins}
        for row in fetch_all(connection, "learning/models", campaign=campaign):
            identity = (row["partition_key"], row["model_sha256"])
            version = known.get(identity)
            if not objects.exists(model_key(row["model_sha256"])):
                continue
            is_new = version is None
            if version is None:
                iteration = read_iteration(connection, row["partition_key"])
                run_id = dagster_run_id if row["partition_key"] == partition_key else ""
                try:
                    version = _add(registry, objects, iteration, run_id)
                except CorruptArtifactError:
                    continue  # what it was made from is gone: later models need not wait for that
            if DECISION in version.tags:
                decision = Decision(version.tags[DECISION] == "promoted", version.tags.get(REASON, ""))
            else:
                decision = _settle(registry, objects, version)
            settled.append(Registration(version, decision, is_new))
            _note(connection, version, identity)
        _note_champion(connection, find_champion(registry, campaign))
        mark_superseded(connection, registry, campaign)
    return settled


def promote(
    platform: "Platform", name: str, number: int, reason: str, *, force: bool = False
) -> RegisteredVersion:
    """Make a version the champion by a person's decision, and note who, when and why.

    Raises
    ------
    UsageError
        There is no such version, or it is worse calibrated than the champion, or has not learned, and ``force`` is
        False.
    """
    with platform.database.transaction() as connection:
        execute(connection, "learning/lock_registry", name=name)
        version = find_version(platform.registry, f"{name}@{number}")
        champion = find_champion(platform.registry, name)
        if champion is not None and champion.version == number:
            raise UsageError(f"Version {number} of {name} is the champion already.")
        scores = _scores(version)
        problem = find_worse_calibration(scores, _scores(champion) if champion else None)
        if scores.relative_mae is None:
            problem = "It has not learned: there were too few labels."
        if problem and not force:
            raise UsageError(
                f"Version {number} of {name} is not promoted. {problem}",
                "Choose another, or add --force if you know better.",
            )
        _promote(platform.registry, version, champion, reason, by=getpass.getuser(), forced=bool(problem))
        _note_champion(connection, version)
    return find_version(platform.registry, f"{name}@{number}")


def find_version(registry: ModelRegistry, reference: str) -> RegisteredVersion:
    """Return the version that ``NAME``, ``NAME@champion`` or ``NAME@3`` refers to; the champion without a number.

    Raises
    ------
    UsageError
        There is none.
    """
    name, _, wanted = reference.partition("@")
    versions = registry.versions(name)
    if not versions:
        from catalyst_assets.vocabulary.words import unknown

        names = registry.names()
        if not names:
            raise UsageError(
                f"There is no model {name!r}: none is registered yet.",
                "`catalyst models sync` registers what was trained.",
            )
        raise UsageError(f"There is {unknown('model', name, names)}.", "See `catalyst models list`.")
    for version in versions:
        if str(version.version) == wanted or (wanted in ("", CHAMPION) and version.is_champion):
            return version
    numbers = ", ".join(str(version.version) for version in versions)
    raise UsageError(
        f"{name} has no version {wanted or CHAMPION!r}.", f"It has {numbers}, and the alias {CHAMPION}."
    )


def find_champion(registry: ModelRegistry, name: str) -> RegisteredVersion | None:
    """Return the champion of a model, if it has one."""
    return next((version for version in registry.versions(name) if version.is_champion), None)


def compare_versions(
    objects: "ObjectStore", first: RegisteredVersion, second: RegisteredVersion
) -> SharedErrors | None:
    """Compare two versions on the materials that both have held-out predictions of; see ``compare_on_shared``."""
    return compare_on_shared(_evidence(objects, first), _evidence(objects, second))


def version_number(connection: "sa.Connection", partition_key: str, model_sha256: str) -> int | None:
    """Return the registered version of an iteration's model; None while it is not registered."""
    row = fetch_one(
        connection, "learning/model_version", partition_key=partition_key, model_sha256=model_sha256
    )
    return None if row is None else int(row["model_version"])


def find_registration_problems(database: "Database", partition_key: str) -> list[str]:
    """Ask whether the iteration's model has a version that its predictions can name."""
    with database.transaction() as connection:
        sha256 = read_iteration(connection, partition_key).model_sha256
        if sha256 is None or version_number(connection, partition_key, sha256) is not None:
            return []
    return ["The model is not registered; `catalyst models sync` does it once MLflow can be reached."]


def recorded_metrics(version: RegisteredVersion) -> dict[str, Any]:
    """Return what was measured of a version when it was fitted."""
    return dict(json.loads(version.tags.get(METRICS, "{}")))


def promotions(version: RegisteredVersion) -> list[dict[str, Any]]:
    """Return when, by whom and why a version was made champion, oldest first."""
    return list(json.loads(version.tags.get(PROMOTIONS, "[]")))


def _add(
    registry: ModelRegistry, objects: "ObjectStore", iteration: Iteration, dagster_run_id: str
) -> RegisteredVersion:
    training_set = load_fitted_to(objects, iteration)
    origin = Origin(
        partition=iteration.partition_key,
        iteration=str(iteration.number),
        labels=str(iteration.label_count),
        model_sha256=iteration.model_sha256 or "",
        training_set_sha256=iteration.fitted_to or "",
        label_sha256=iteration.label_sha256,
        campaign_sha256=training_set.provenance["campaign_sha256"],
        code_version=iteration.metrics.get(MODEL_PROVENANCE, {}).get("code_version", "unknown"),
        backbone=training_set.provenance["backbone"],
        feature_version=str(FEATURE_VERSION),
    )
    metrics = {
        name: value
        for name, value in iteration.metrics.items()
        if not name.startswith(_MEASURED_LATER) and name != MODEL_PROVENANCE
    }
    shown = {name: f"{metrics[name]:.6g}" for name in _SHOWN if metrics.get(name) is not None}
    tags = {**origin.tags, METRICS: json.dumps(metrics, sort_keys=True), **shown}
    if dagster_run_id:
        tags["catalyst.dagster_run_id"] = dagster_run_id
    description = (
        f"Iteration {iteration.number} of campaign {iteration.campaign.name}: "
        f"{iteration.label_count} labels of {', '.join(training_set.properties)}."
    )
    root = objects.url if "://" in objects.url else Path(objects.url).absolute().as_uri()
    source = f"{root.rstrip('/')}/{model_key(origin.model_sha256).rpartition('/')[0]}"
    return registry.add(iteration.campaign.name, source, iteration.mlflow_run_id, tags, description)


def _settle(registry: ModelRegistry, objects: "ObjectStore", version: RegisteredVersion) -> Decision:
    """Compare a new version with the champion; done again after a kill, it ends the same."""
    champion = find_champion(registry, version.name)
    if champion is not None and champion.version == version.version:
        decision = Decision(True, champion.tags.get(REASON, ""))
    else:
        shared = None
        if champion is not None:
            # The store may have lost what one of them was made from.
            with suppress(CorruptArtifactError):
                shared = compare_versions(objects, version, champion)
        decision = decide_champion(_scores(version), _scores(champion) if champion else None, shared)
        registry.tag(version.name, version.version, {REASON: decision.reason})
        if decision.is_promoted:
            _promote(registry, version, champion, decision.reason, by="trained_model")
    settled = "promoted" if decision.is_promoted else "not promoted"
    registry.tag(version.name, version.version, {DECISION: settled})
    return decision


def _promote(
    registry: ModelRegistry,
    version: RegisteredVersion,
    champion: RegisteredVersion | None,
    reason: str,
    *,
    by: str,
    forced: bool = False,
) -> None:
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": by,
        "reason": reason,
        "forced": forced,
        "instead_of": champion.version if champion else None,
    }
    registry.tag(version.name, version.version, {PROMOTIONS: json.dumps([*promotions(version), entry])})
    registry.promote(version.name, version.version)


def _scores(version: RegisteredVersion) -> VersionScores:
    metrics = recorded_metrics(version)
    return VersionScores(version.version, metrics.get("relative_mae"), metrics.get("miscalibration_area"))


def _evidence(
    objects: "ObjectStore", version: RegisteredVersion
) -> "tuple[ValidationReport | None, TrainingSet]":
    origin = Origin.of(version)
    model = load_model(objects, origin.model_sha256)
    known = read_training_set(objects, origin.training_set_sha256)
    # Only the labels that the report is about: a fine-tuned model leaves out some of them.
    judged, _ = model.held_out(known.labels, known.chemical_systems)
    return model.report, replace(known, labels=judged)


def _note(connection: "sa.Connection", version: RegisteredVersion, identity: tuple[str, str]) -> None:
    named = {
        "partition_key": identity[0],
        "model_sha256": identity[1],
        "model_name": version.name,
        "model_version": version.version,
    }
    execute(connection, "learning/forget_version", **named)
    execute(connection, "learning/note_version", **named)


def _note_champion(connection: "sa.Connection", champion: RegisteredVersion | None) -> None:
    """Write the champion where the app can read it: it does not reach the registry."""
    if champion is not None:
        execute(
            connection,
            "learning/note_champion",
            model_name=champion.name,
            model_version=champion.version,
        )
