"""MLflow's model registry on the installation's database: versions of a model, their tags, and the champion.

What a version stands for and which becomes champion is ``catalyst_assets.learning``'s business.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from resources.mlflow.tracked_run import unusable

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from resources.mlflow.tracking import Tracking

CHAMPION: Final = "champion"
_PAGE: Final = 1000


@dataclass(frozen=True)
class RegisteredVersion:
    """One version of a registered model.

    Attributes
    ----------
    run_id
        The MLflow run that trained it; empty if none was recorded.
    source
        URL of the folder that holds its file.
    tags
        What was noted of it.
    """

    name: str
    version: int
    run_id: str
    source: str
    tags: Mapping[str, str]
    is_champion: bool
    created_at: datetime


class ModelRegistry:
    """Registered models.

    Parameters
    ----------
    tracking
        The MLflow they belong to.
    """

    def __init__(self, tracking: "Tracking") -> None:
        self._tracking = tracking

    def names(self) -> list[str]:
        """Return the registered models, sorted."""
        with self._asking() as client:
            return sorted(model.name for model in _all_pages(client.search_registered_models))

    def versions(self, name: str) -> list[RegisteredVersion]:
        """Return the versions of a model, oldest first; none if there is no such model."""
        wanted = f"name = '{name}'"
        with self._asking() as client:
            models = client.search_registered_models(wanted)
            champion = int(models[0].aliases.get(CHAMPION, 0)) if models else 0
            found = _all_pages(client.search_model_versions, filter_string=wanted)
            return sorted((_read(item, champion) for item in found), key=lambda version: version.version)

    def add(
        self, name: str, source: str, run_id: str | None, tags: Mapping[str, str], description: str
    ) -> RegisteredVersion:
        """Register a further version; the model is made with its first."""
        from mlflow.exceptions import MlflowException

        self._tracking.before_write()
        with self._asking() as client:
            try:
                client.create_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            made = client.create_model_version(
                name, source, run_id=run_id, tags=dict(tags), description=description
            )
            return _read(made, champion=0)

    def tag(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        """Note something of a version."""
        self._tracking.before_write()
        with self._asking() as client:
            for key, value in tags.items():
                client.set_model_version_tag(name, str(version), key, value)

    def tag_run(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Note something of the run that trained a version."""
        self._tracking.before_write()
        with self._asking() as client:
            for key, value in tags.items():
                client.set_tag(run_id, key, value)

    def promote(self, name: str, version: int) -> None:
        """Make a version the champion of its model."""
        self._tracking.before_write()
        with self._asking() as client:
            client.set_registered_model_alias(name, CHAMPION, str(version))

    @contextmanager
    def _asking(self) -> "Iterator[MlflowClient]":
        from mlflow.exceptions import MlflowException

        try:
            yield self._tracking.client
        except (MlflowException, OSError) as error:
            raise unusable(error) from error


def _all_pages(search: Callable[..., Any], **arguments: Any) -> list[Any]:
    from mlflow.utils import get_results_from_paginated_fn

    def page(number: int, token: str | None) -> Any:
        return search(max_results=number, page_token=token, **arguments)

    return list(get_results_from_paginated_fn(page, _PAGE))  # type: ignore[no-untyped-call]


def _read(item: Any, champion: int) -> RegisteredVersion:
    return RegisteredVersion(
        name=item.name,
        version=int(item.version),
        run_id=item.run_id or "",
        source=item.source,
        tags=dict(item.tags),
        is_champion=int(item.version) == champion,
        created_at=datetime.fromtimestamp(item.creation_timestamp / 1000, UTC),
    )
