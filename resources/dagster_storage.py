"""Dagster's store as `<home>/dagster/dagster.yaml` names it: in PostgreSQL, found from the home alone.

So no process needs a password in its environment, and `dg` or `dagster` work whether or not `catalyst up` runs.
"""

from collections.abc import Mapping
from typing import Any, Self

from dagster._config.config_schema import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from catalyst_assets.errors import UsageError
from resources.postgres.connection import dagster_url
from resources.settings import load_settings


class InstallationStorage(DagsterPostgresStorage):
    """The store of the installation whose home its configuration names."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return what `dagster.yaml` may say: the home, and whether its database is an external one."""
        return {"home": str, "external": bool}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Open it; an embedded server runs at least until this process exits.

        Raises
        ------
        CatalystError
            The database cannot be reached, or nothing says where an external one is.
        """
        settings = load_settings(home=config_value["home"])
        known = (settings.dagster_database_url, settings.database_url, settings.database_logins)
        if config_value["external"] and not any(known):
            raise UsageError(
                f"The database of {settings.home} is on a server of its own, and nothing says where.",
                'Set CATALYST_DATABASE_URL, or run `eval "$(catalyst env)"` where it is set.',
            )
        return cls(dagster_url(settings), inst_data=inst_data)
