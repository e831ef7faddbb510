"""Labels that rankings were learned from and that were corrected or retracted since, as the API shows them."""

from collections.abc import Iterable

import sqlalchemy as sa

from catalyst_assets.campaigns.labels import count_superseded, load_superseded
from catalyst_assets.vocabulary.known import unit_of
from dash_app.superseded_contract import SupersededLabel


def superseded_in(connection: sa.Connection, campaign: str) -> dict[str, list[SupersededLabel]]:
    """Return them by partition key, of a campaign's iterations that have any."""
    return {
        key: [
            SupersededLabel(**vars(label), unit=unit_of(label.property), change=label.change())
            for label in labels
        ]
        for key, labels in load_superseded(connection, campaign).items()
    }


def count_in(connection: sa.Connection, partition_keys: Iterable[str]) -> dict[str, int]:
    """Return how many labels that are in each of these iterations that has any."""
    found = load_superseded(connection, partition_keys=sorted(set(partition_keys)))
    return {key: count_superseded(labels) for key, labels in found.items()}
