"""Links from assets to their code: the file on this machine, or, in a clone of GitHub or GitLab, its page there.

Dagster's own `with_source_code_references` reads every file for it; a function knows where it was written.
"""

import configparser
import inspect
import re
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import dagster as dg

_TOP: Final = Path(__file__).parent.parent.parent
_HOSTED: Final = re.compile(
    r"(?:https://|ssh://git@|git@)(?P<host>(?:github|gitlab)\.[\w.-]+)[:/](?P<path>.+?)(?:\.git)?/?"
)


def link_to_code(asset: dg.AssetsDefinition) -> dict[str, Any]:
    """Return the metadata that names where the function of an asset is written."""
    node: Any = asset.node_def
    composed = getattr(node, "composition_fn", None)
    return link_to(composed or node.compute_fn.decorated_fn)


def link_to(function: Callable[..., object]) -> dict[str, Any]:
    """Return the metadata that names where a function is written."""
    code = inspect.unwrap(function).__code__
    path, line = Path(code.co_filename).absolute(), code.co_firstlineno
    hosted = find_hosted(_TOP) if path.is_relative_to(_TOP) else None
    with warnings.catch_warnings():
        # Code references are in beta; every process that loads the code location would say so.
        warnings.simplefilter("ignore", dg.BetaWarning)
        if hosted is None:
            place: Any = dg.LocalFileCodeReference(file_path=str(path), line_number=line)
        else:
            place = dg.UrlCodeReference(url=f"{hosted}/{path.relative_to(_TOP).as_posix()}#L{line}")
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[place])}


@cache
def find_hosted(top: Path) -> str | None:
    """Return where the files of a clone are shown by its host; None if a folder is none of GitHub or GitLab."""
    config = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        lines = (top / ".git" / "config").read_text(encoding="utf-8").splitlines()
        config.read_string("\n".join(line.strip() for line in lines))
        head = (top / ".git" / "HEAD").read_text(encoding="utf-8").strip()
        found = _HOSTED.fullmatch(config['remote "origin"']["url"])
    except (OSError, KeyError, configparser.Error):
        return None
    if found is None:
        return None
    shown = "blob" if found["host"].startswith("github") else "-/blob"
    return f"https://{found['host']}/{found['path']}/{shown}/{head.removeprefix('ref: refs/heads/')}"
