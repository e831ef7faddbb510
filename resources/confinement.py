"""Which files and addresses a run may be told of by its configuration, which whoever reaches Dagster may write.

What settings and the sources file name, and what a user types at the command line, is theirs to name; it is not asked
of here.
"""

from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from catalyst_assets.errors import UsageError
from resources.settings import Settings


def require_allowed_file(path: Path, settings: Settings, named: str) -> Path:
    """Return where a file that a run's configuration names truly lies, if a run may open files there.

    Parameters
    ----------
    named
        What names it, such as ``mapping_files of raw_reference_tables``.

    Raises
    ------
    UsageError
        It lies neither in the home nor in a folder that the settings name, or holds the database or its passwords.
    """
    found = path.expanduser().resolve()
    home = settings.home.resolve()
    closed = (home / "postgres", settings.logins_file.resolve())
    folders = [home, *(folder.resolve() for folder in settings.data_folder_paths)]
    if any(map(found.is_relative_to, folders)) and not any(map(found.is_relative_to, closed)):
        return found
    raise UsageError(
        f"{path}, which the run's configuration gives as {named}, is in no folder that runs may read.",
        "Put it into the home, name its folder in CATALYST_DATA_FOLDERS or the file in the sources file, "
        "or load it with `catalyst ingest`.",
    )


def require_allowed_address(address: str, known: str, settings: Settings, named: str) -> None:
    """Refuse an address that a run's configuration names, unless it is the known one or the settings allow it.

    What is the path of a file or folder instead must lie where runs may read.

    Raises
    ------
    UsageError
        It is another.
    """
    if "://" not in address:
        require_allowed_file(Path(address), settings, named)
        return
    asked = _split(address)
    if asked is not None:
        for allowed in (known, *settings.data_endpoint_urls):
            if _covers(_split(allowed), asked):
                return
    raise UsageError(
        f"{address!r}, which the run's configuration gives as {named}, is no address that runs may ask.",
        "Name it in CATALYST_DATA_ENDPOINTS or in the sources file, or ask it with `catalyst ingest`.",
    )


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme and (parts.netloc or parts.path) and "@" not in parts.netloc else None


def _covers(allowed: SplitResult | None, asked: SplitResult) -> bool:
    if allowed is None or (allowed.scheme, allowed.hostname) != (asked.scheme, asked.hostname):
        return False
    if allowed.port is not None and allowed.port != asked.port:
        return False
    folder = allowed.path.rstrip("/")
    steps = asked.path.replace("\\", "/").lower().replace("%2e", ".").split("/")
    return ".." not in steps and (asked.path == folder or asked.path.startswith(f"{folder}/"))
