"""MLflow's model registry on the installation's database: versions of a model, their tags, and the champion.

What a version stands for and which becomes champion is ``catalyst_assets.learning``'s business.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from resources.mlflow.tracked_run import unusable

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from resources.mlflow.tracking import Tracking

CHAMPION: Final = "champion"
_ABSENT: Final = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
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
        with self._asking() as client:
            found = _all_pages(client.search_model_versions, filter_string=f"name = '{name}'")
            champion = _champion_number(client, name)
            return sorted((_read(item, champion) for item in found), key=lambda version: version.version)

    def add(
        self, name: str, source: str, run_id: str | None, tags: Mapping[str, str], description: str
    ) -> RegisteredVersion:
        """Register a further version; the model is made with its first."""
        from mlflow.exceptions import MlflowException

        with self._asking() as client:
            try:
                client.create_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            made = client.create_model_version(
                name, source, run_id=run_id, tags=dict(tags), description=description
            )
            return _read(made, None)

    def tag(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        """Note something of a version."""
        with self._asking() as client:
            for key, value in tags.items():
                client.set_model_version_tag(name, str(version), key, value)

    def crown(self, name: str, version: int) -> None:
        """Make a version the champion of its model."""
        with self._asking() as client:
            client.set_registered_model_alias(name, CHAMPION, str(version))

    @contextmanager
    def _asking(self) -> "Iterator[MlflowClient]":
        from mlflow.exceptions import MlflowException

        try:
            yield self._tracking.client
        except (MlflowException, OSError) as error:
            raise unusable(error) from error


def _all_pages(search: Any, **arguments: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(max_results=_PAGE, page_token=token, **arguments)
        yield from page
        token = page.token
        if not token:
            return


def _champion_number(client: "MlflowClient", name: str) -> int | None:
    from mlflow.exceptions import MlflowException

    try:
        return int(client.get_model_version_by_alias(name, CHAMPION).version)
    except MlflowException as error:
        if error.error_code not in _ABSENT:
            raise
        return None


def _read(item: Any, champion: int | None) -> RegisteredVersion:
    return RegisteredVersion(
        name=item.name,
        version=int(item.version),
        run_id=item.run_id or "",
        source=item.source,
        tags=dict(item.tags),
        is_champion=int(item.version) == champion,
        created_at=datetime.fromtimestamp(item.creation_timestamp / 1000, UTC),
    )
