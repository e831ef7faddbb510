"""What an asset may reach outside its process, opened on first use: the Dagster resource `platform`."""

from dataclasses import dataclass, field
from functools import cached_property

from resources.mlflow.model_registry import ModelRegistry
from resources.mlflow.tracking import Tracking
from resources.object_store import ObjectStore
from resources.postgres.database import Database, Sibling
from resources.settings import Settings


@dataclass
class Platform:
    """Connections of one process, each made when first asked for.

    Assets take it as ``platform: dg.ResourceParam[Platform]``.
    """

    settings: Settings
    database: Database = field(repr=False)

    @cached_property
    def objects(self) -> ObjectStore:
        """Raw cache, embeddings, models and what steps hand to each other."""
        return ObjectStore(self.settings.object_store_url, before_write=self.database.require_claim)

    @cached_property
    def tracking(self) -> Tracking:
        """MLflow runs."""
        url = self.database.sibling_url(Sibling.MLFLOW)
        return Tracking(self.settings, url, before_write=self.database.require_claim)

    @cached_property
    def registry(self) -> ModelRegistry:
        """Registered models."""
        return ModelRegistry(self.tracking)
