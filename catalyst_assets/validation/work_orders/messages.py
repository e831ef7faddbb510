"""Telling another system, such as a laboratory's own, by POST that a batch waits: signed, retried, each batch once.

Headers and signature are those of Standard Webhooks (https://www.standardwebhooks.com), so that receivers can check them
with its libraries. What is told stands in the database before it is sent, and is sent again as it was.
"""

import hashlib
import json
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CatalystError
from catalyst_assets.partitions import IterationKey
from catalyst_assets.validation.work_orders.files import structure_as_cif
from catalyst_assets.validation.work_orders.orders import WorkOrder, read_order
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers
from resources.postgres.database import execute, fetch_all, fetch_one
from resources.web.webhooks import post_message

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.settings import Settings

QUIET_SECONDS: Final = 20.0
MOST_ATTEMPTS: Final = 12
_TIMEOUT_SECONDS: Final = 10.0
# Longer than an attempt can take: a process that died while it sent is replaced after it.
_LEASE_SECONDS: Final = 60.0
_FIRST_PAUSE_SECONDS: Final = 10.0
_LONGEST_PAUSE_SECONDS: Final = 3600.0
_LONGEST_REASON: Final = 300
_LOG: Final = logging.getLogger(__name__)
_SENDING: Final = threading.Lock()


def announce(platform: "Platform") -> threading.Thread | None:
    """Have everything told that waits to be told, in a thread of its own: whoever calls goes on at once.

    Called again while that thread works, it does nothing; and nothing without an address in the settings.

    Returns
    -------
    Thread or None
        For those who want to wait for it.
    """
    if not platform.settings.work_order_webhook or _SENDING.locked():
        return None
    thread = threading.Thread(target=_tell_all, args=(platform,), daemon=True, name="work orders")
    thread.start()
    return thread


def write_messages(platform: "Platform", quiet_seconds: float = QUIET_SECONDS) -> int:
    """Write a message for each iteration with flagged candidates that nobody was told of; return how many."""
    outside = [name for name, spec in VALIDATORS.items() if spec.answers is Answers.FROM_OUTSIDE]
    with platform.database.transaction() as connection:
        fetch_one(connection, "validation/work_orders/lock")
        rows = fetch_all(
            connection, "validation/work_orders/unannounced", validators=outside, quiet_seconds=quiet_seconds
        )
        for row in rows:
            key = IterationKey.parse(row["partition_key"])
            order = read_order(connection, key.campaign, key.iteration)
            message_id = _message_id(row["partition_key"], row["event_ids"])
            body = json.dumps(
                describe_order(message_id, order, row["partition_key"], set(row["candidate_ids"]))
            )
            execute(
                connection,
                "validation/work_orders/add_message",
                message_id=message_id,
                partition_key=row["partition_key"],
                event_ids=row["event_ids"],
                body=body,
            )
    return len(rows)


def deliver_due(platform: "Platform") -> tuple[int, int]:
    """Send the messages that are due, one after another; return how many were taken and how many were not."""
    taken = failed = 0
    while True:
        with platform.database.transaction() as connection:
            row = fetch_one(
                connection,
                "validation/work_orders/claim_message",
                most_attempts=MOST_ATTEMPTS,
                lease_seconds=_LEASE_SECONDS,
            )
        if row is None:
            return taken, failed
        failure = _post(platform.settings, row["message_id"], row["body"].encode())
        pause = min(_FIRST_PAUSE_SECONDS * 3 ** (row["attempts"] - 1), _LONGEST_PAUSE_SECONDS)
        with platform.database.transaction() as connection:
            execute(
                connection,
                "validation/work_orders/note_delivery",
                message_id=row["message_id"],
                failure=failure[:_LONGEST_REASON],
                pause_seconds=pause,
            )
        if failure:
            failed += 1
            _LOG.warning(
                "Work order %s was not delivered (attempt %d): %s",
                row["message_id"],
                row["attempts"],
                failure,
            )
        else:
            taken += 1


def describe_order(
    message_id: str, order: WorkOrder, partition_key: str, candidates: set[int]
) -> dict[str, Any]:
    """Return a message: what is asked for, of which candidates, with their structures."""
    return {
        "type": "work_order.ready",
        "id": message_id,
        "campaign": order.campaign,
        "iteration": IterationKey.parse(partition_key).iteration,
        "method": order.method,
        "properties": [
            {"property": asked.property, "label": asked.label, "unit": asked.unit} for asked in order.asked
        ],
        "candidates": [
            {
                "candidate": each.candidate,
                "rank": each.rank,
                "material_id": each.material_id,
                "formula": each.formula,
                "predicted": dict(each.predicted),
                "cif": structure_as_cif(each),
            }
            for each in order.candidates
            if each.candidate in candidates
        ],
    }


def _tell_all(platform: "Platform") -> None:
    with _SENDING:
        try:
            write_messages(platform)
            deliver_due(platform)
        except CatalystError as error:  # the next call tries again
            _LOG.warning("Work orders could not be told: %s", error)


def _post(settings: "Settings", message_id: str, body: bytes) -> str:
    """Send one message; return why it was not taken, or nothing."""
    secret = settings.work_order_secret.get_secret_value() if settings.work_order_secret else None
    return post_message(settings.work_order_webhook or "", message_id, body, secret, timeout=_TIMEOUT_SECONDS)


def _message_id(partition_key: str, event_ids: list[int]) -> str:
    text = f"{partition_key} {','.join(map(str, sorted(event_ids)))}"
    return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
