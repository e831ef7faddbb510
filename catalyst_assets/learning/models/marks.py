"""Marks of versions that learned from labels which were corrected or retracted since: tags in MLflow, which never vanish.

The truth is in the database (``campaigns.labels``); who looks at MLflow alone is told here.
"""

from typing import TYPE_CHECKING, Final

from catalyst_assets.campaigns.labels import count_superseded, learned_from, load_superseded
from catalyst_assets.errors import CatalystError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from catalyst_assets.campaigns.labels import SupersededLabel
    from resources.mlflow.model_registry import ModelRegistry
    from resources.platform import Platform

SUPERSEDED: Final = "labels_superseded"
_PARTITION: Final = "catalyst.partition"
# What MLflow's tags hold, with room to say that there are more.
_LONGEST_TAG: Final = 4900


def mark_superseded(connection: "sa.Connection", registry: "ModelRegistry", campaign: str) -> int:
    """Tag the versions of a campaign, and the runs that trained them, with what they learned from that was superseded.

    Returns
    -------
    How many versions got another tag. Done again it changes nothing.

    Raises
    ------
    CatalystError
        MLflow cannot be used.
    """
    superseded = load_superseded(connection, campaign)
    changed = 0
    for version in registry.versions(campaign) if superseded else ():
        labels = learned_from(superseded.get(version.tags.get(_PARTITION, ""), ()))
        said = _describe_superseded(labels)
        if version.tags.get(SUPERSEDED, "") != said:
            registry.tag(version.name, version.version, {SUPERSEDED: said})
            if version.run_id:
                registry.tag_run(version.run_id, {SUPERSEDED: said})
            changed += 1
    return changed


def try_to_mark(platform: "Platform", campaign: str) -> str:
    """Mark versions as :func:`mark_superseded` does, and return why that was not possible; empty if it was.

    What was not marked is when the next model is registered.
    """
    try:
        with platform.database.transaction() as connection:
            mark_superseded(connection, platform.registry, campaign)
    except CatalystError as error:
        return f"Versions that learned from superseded labels are not marked in MLflow yet: {error}"
    return ""


def _describe_superseded(labels: "Sequence[SupersededLabel]") -> str:
    """Return how many labels, and as many of them in words as a tag holds."""
    said = f"{count_superseded(labels)} corrected or retracted since" if labels else ""
    for label in labels:
        if len(said) + len(str(label)) > _LONGEST_TAG:
            return f"{said}; and others"
        said += f"; {label}"
    return said
