"""Which jobs people may launch by the API, and with what: those that compute again what is stored, or ask sources."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from catalyst_assets.ingestion.sources.configured import read_configured
from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.ingestion.sources.spec import SourceSpec
from catalyst_assets.ingestion.uploads.spec import SPEC as UPLOADS
from dash_app.dispatch_contract import RunnableJob
from resources.settings import Settings


@dataclass(frozen=True)
class Launchable:
    """A job that people may launch.

    Attributes
    ----------
    source
        The source that it asks, as the sources file says; None for a job that asks none.
    """

    name: str
    description: str
    needs_partition: bool = False
    source: SourceSpec | None = None

    def read_config(self, settings: Settings) -> tuple[dict[str, Any], str]:
        """Return a run's configuration, and why it cannot be launched here; empty where it can.

        Raises
        ------
        UsageError
            The sources file cannot be read.
        """
        if self.source is None:
            return {}, ""
        config = read_configured(self.source.name, settings)
        if config is None:
            return (
                {},
                f"{self.source.name} is not configured: the sources file (CATALYST_SOURCES_FILE) does not name it",
            )
        if lacking := self.source.lacks(config, settings):
            return {}, f"{self.source.name} needs {lacking}"
        return {"ops": {self.source.asset: {"config": config.model_dump(mode="json")}}}, ""

    def describe(self, settings: Settings) -> RunnableJob:
        """Return it as the API shows it."""
        return RunnableJob(
            job=self.name,
            description=self.description,
            needs_partition=self.needs_partition,
            unavailable=self.read_config(settings)[1],
        )


def _all_jobs() -> Iterator[Launchable]:
    yield Launchable(
        "iteration", "Compute an iteration again up to its ranked candidates.", needs_partition=True
    )
    yield Launchable(
        "validation", "Ask the validator about the candidates of an iteration.", needs_partition=True
    )
    yield Launchable("features", "Compute what follows from the materials that are loaded.")
    yield Launchable("preparation", "Load what the sources hold and compute the features of new structures.")
    yield Launchable("reparse", "Load raw files that are cached; asks no source.")
    for spec in SOURCES:
        if spec is UPLOADS:  # its sensor takes each upload as it comes
            continue
        yield Launchable(spec.job, f"Refresh {spec.name} as the sources file says, and load.", source=spec)


LAUNCHABLE: Final = {job.name: job for job in _all_jobs()}
