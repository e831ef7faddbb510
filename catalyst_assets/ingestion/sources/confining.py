"""What a run's configuration may ask of a source: files and addresses are confined, pickles need a user's word.

A configuration that the sources file or the command line gave says what it likes: a user of this machine wrote it.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalyst_assets.errors import UsageError
from resources.confinement import require_allowed_address, require_allowed_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_assets.ingestion.sources.spec import SourceConfig, SourceSpec
    from resources.settings import Settings


def hash_config(spec: "SourceSpec", config: "Mapping[str, Any]") -> str:
    """Return the name of a configuration by which `catalyst ingest` vouches for it: ``CATALYST_VOUCHED_CONFIG``."""
    # What is not said counts as what it then is.
    values = spec.config.model_construct(**{name: config[name] for name in _fields(spec) if name in config})
    said = {name: getattr(values, name, None) for name in _fields(spec)}
    text = json.dumps([spec.name, said], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def require_allowed(
    spec: "SourceSpec", config: "SourceConfig", settings: "Settings", configured: "SourceConfig | None"
) -> None:
    """Refuse a run's configuration that names a file or an address that runs may not read, or vouches for pickles.

    Parameters
    ----------
    configured
        What the sources file says of the source; what it names is allowed.

    Raises
    ------
    UsageError
        It does.
    """
    asked = {name: getattr(config, name) for name in _fields(spec)}
    if settings.vouched_config == hash_config(spec, asked):
        return
    for name, option in spec.config.options().items():
        value, own = asked[name], getattr(configured, name, None)
        named = f"{name} of {spec.asset}"
        if option.files != "none":
            for text in value:
                if text not in (own or ()) and option.names_file(text):
                    require_allowed_file(Path(text), settings, named)
        elif option.known_address is not None and value and value != own:
            require_allowed_address(value, option.known_address, settings, named)
        elif option.needs_trust and value and value != own:
            raise _not_trusted(named)
    for name in spec.config.trusted_fields:
        if asked[name] and asked[name] != getattr(configured, name, None):
            raise _not_trusted(f"{name} of {spec.asset}")


def _not_trusted(named: str) -> UsageError:
    return UsageError(
        f"A run's configuration cannot say {named}.", "Say it in the sources file, or use `catalyst ingest`."
    )


def _fields(spec: "SourceSpec") -> list[str]:
    return sorted(spec.config.model_fields)
