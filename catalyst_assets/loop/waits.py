"""What campaigns wait for, as the loop writes it and people read it; and their word to try again."""

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from catalyst_assets.errors import LoopError
from catalyst_assets.representation.library import current_fingerprint
from resources.code_version import code_version
from resources.postgres.database import Row, execute, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.loop.state import Wait
    from resources.platform import Platform


def read_wait(connection: "sa.Connection", campaign: str) -> Row | None:
    """Return what a campaign waits for; None where it waits for nothing."""
    return fetch_one(connection, "loop/wait", campaign=campaign)


def record_wait(
    connection: "sa.Connection", campaign: str, wait: "Wait", known: Row | None, explain: Callable[[str], str]
) -> None:
    """Keep what a campaign waits for, if that is not what is kept already.

    Parameters
    ----------
    known
        What is kept.
    explain
        Why a run failed; asked once a run.
    """
    same_run = known is not None and known["failed_run_id"] == wait.failed_run
    if wait.failed_run is None:
        failure = None
    else:
        failure = known["failure"] if known is not None and same_run else explain(wait.failed_run)
    now: dict[str, Any] = {
        "waits_on": wait.on,
        "subject": wait.subject,
        "reason": wait.reason,
        "remedy": wait.remedy,
        "failed_run_id": wait.failed_run,
        "failure": failure,
        "failed_at": wait.failed_at,
        "next_try_at": wait.next_try_at,
    }
    if known is None or any(known[name] != value for name, value in now.items()):
        execute(connection, "loop/record_wait", campaign=campaign, **now)


def forget_wait(connection: "sa.Connection", campaign: str, known: Row | None) -> None:
    """Note that a campaign goes on."""
    if known is not None:
        execute(connection, "loop/forget_wait", campaign=campaign)


def circumstances(connection: "sa.Connection", platform: "Platform", campaign: str) -> str:
    """Return one hash of what decides whether a run that failed would fail again."""
    try:
        fingerprint = current_fingerprint(platform.objects)
    except LoopError:
        fingerprint = ""
    row = fetch_one(connection, "loop/circumstances", campaign=campaign, fingerprint=fingerprint)
    settings = platform.settings.model_dump(mode="json")
    known = [row["circumstances"] if row else "", fingerprint, code_version(), settings]
    return hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()


def note_request(connection: "sa.Connection", campaign: str, tried_under: str) -> None:
    """Remember under which circumstances a run was requested last."""
    execute(connection, "loop/note_request", name=campaign, tried_under=tried_under)


def read_request(connection: "sa.Connection", campaign: str) -> str | None:
    """Return under which circumstances a run was requested last; None before any was."""
    row = fetch_one(connection, "loop/lock_campaign", name=campaign)
    return row["tried_under"] if row else None
