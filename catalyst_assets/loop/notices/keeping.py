"""What a person should know and may not see by themselves: runs that keep failing, campaigns that stand still, unfit results.

A notice is raised once, stands while it holds, and is cleared when it no longer does; the log, a webhook, the terminal
and the review app tell of it.
"""

import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from catalyst_assets.loop.state import Decision, Wait
from catalyst_assets.partitions import IterationKey
from resources.postgres.database import Database, Role, Row, execute, fetch_all, fetch_one
from resources.web.webhooks import post_message

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.settings import Settings

_LOG: Final = logging.getLogger(__name__)
# Features are computed in minutes; people take days.
_FEATURES_STALL: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Notice:
    """Something that a person should know.

    Attributes
    ----------
    subject
        What of: with campaign and kind, the same notice.
    """

    kind: Literal["failed", "stalled", "unfit"]
    subject: str
    message: str
    remedy: str = ""


def notices_of(
    decision: Decision, waiting: Row | None, unfit: Sequence[Row], now: datetime, stalled_after: timedelta
) -> list[Notice]:
    """Say what a person should know of a campaign.

    Parameters
    ----------
    waiting
        What the campaign waits for, as it is kept.
    unfit
        Iterations with results that may not be learned from, as `unfit_notice` takes them.
    """
    found = [unfit_notice(row) for row in unfit]
    if not isinstance(decision, Wait) or waiting is None:
        return found
    if decision.failed_run is not None and decision.on in {"repair", "features"}:
        why = f": {waiting['failure']}" if waiting["failure"] else ""
        found.append(Notice("failed", decision.subject, f"{decision.reason}{why}", decision.remedy))
    elif not decision.is_under_way and decision.on != "run":
        lasts = now - waiting["since"]
        if lasts >= (min(_FEATURES_STALL, stalled_after) if decision.on == "features" else stalled_after):
            found.append(
                Notice(
                    "stalled",
                    f"{decision.on} {decision.subject}",
                    f"It stands still since {waiting['since'].astimezone(UTC):%Y-%m-%d %H:%M} UTC: {decision.reason}",
                    decision.remedy or _REMEDIES.get(decision.on, ""),
                )
            )
    return found


def unfit_notice(row: Row) -> Notice:
    """Say that results of an iteration, or of none, may not be learned from: key, how many, what is wrong with the first."""
    key = row["partition_key"]
    whose = f"iteration {IterationKey.parse(key).iteration}" if key else "no iteration"
    results = "1 result" if row["n"] == 1 else f"{row['n']} results"
    return Notice(
        "unfit",
        key or whose,
        f"{results} of {whose} cannot be learned from: {row['problem']}",
        "Correct or retract what is wrong; `catalyst validation list` shows results with their problems.",
    )


_REMEDIES: Final = {
    "answers": "Submit results (`catalyst validation submit`), or open the next iteration without them "
    "(`catalyst campaign advance`).",
    "review": "Flag candidates in the review app, or open the next iteration without them "
    "(`catalyst campaign advance`).",
}


def keep_notices(connection: "sa.Connection", campaign: str | None, held: Collection[Notice]) -> list[Notice]:
    """Raise what holds, clear what does not any more; return those that are new.

    Parameters
    ----------
    campaign
        None for what concerns the installation.
    """
    execute(
        connection,
        "loop/notices/clear",
        campaign=campaign,
        held=[f"{notice.kind} {notice.subject}" for notice in held],
    )
    new = []
    for notice in held:
        row = fetch_one(connection, "loop/notices/raise", campaign=campaign, **vars(notice))
        if row is not None and row["is_new"]:
            new.append(notice)
            _LOG.warning("%s: %s. %s", campaign or "Catalyst", notice.message.rstrip("."), notice.remedy)
    return new


def post_notices(database: Database, settings: "Settings") -> int:
    """Post what was raised and not posted yet; return how many were taken. What fails is tried at the next call."""
    if settings.alert_webhook is None:
        return 0
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else None
    posted = 0
    while True:
        with database.transaction(Role.PIPELINE) as connection:
            row = fetch_one(connection, "loop/notices/claim")
        if row is None:
            return posted
        message_id = f"notice_{row['notice_id']}_{row['raised_at'].timestamp():.0f}"
        told = {name: value for name, value in row.items() if name != "notice_id"}
        body = json.dumps({"type": "notice.raised", "id": message_id, **told}, default=datetime.isoformat)
        failure = post_message(settings.alert_webhook, message_id, body.encode(), secret)
        if failure:
            _LOG.warning("A notice could not be posted to CATALYST_ALERT_WEBHOOK: %s", failure)
            with database.transaction(Role.PIPELINE) as connection:
                execute(connection, "loop/notices/release", notice_id=row["notice_id"])
            return posted
        posted += 1


def standing_notices(connection: "sa.Connection", campaign: str | None = None) -> list[Row]:
    """Return the notices that hold, of one campaign, or of all of them and the installation."""
    return fetch_all(connection, "loop/notices/standing", campaign=campaign)
