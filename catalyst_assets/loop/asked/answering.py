"""Carrying out what people asked of campaigns by the API: each request once, in the order in which they were made.

What is done and its answer are one transaction: a daemon that is killed in between has done nothing, and of two daemons
one answers.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CatalystError, DatabaseUnavailableError, InvalidCampaignError
from catalyst_assets.loop.asked.requests import note_advance, note_retry, tell_pending
from catalyst_assets.loop.campaigns import end_campaign, store_campaign
from catalyst_assets.validation.registry import check_goal, why_unavailable
from resources.postgres.database import Role, Row, execute, explain_refusal, fetch_one, storable

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.platform import Platform

_log = logging.getLogger(__name__)
# Of one look: the loop has campaigns to see to.
_MOST_AT_ONCE: Final = 20


@dataclass(frozen=True)
class Answer:
    """What became of a request.

    Attributes
    ----------
    said
        What was done, or why it was refused.
    remedy
        What can be done where it was refused.
    details
        The same in numbers and names; None where there is nothing more to say.
    """

    said: str
    remedy: str = ""
    details: Mapping[str, Any] | None = None
    is_refusal: bool = False


def answer_requests(platform: "Platform") -> list[str]:
    """Answer what waits; return a line for each that was answered."""
    told = []
    for _ in range(_MOST_AT_ONCE):
        line = _answer_next(platform)
        if line is None:
            break
        told.append(line)
    return told


def record_answer(connection: "sa.Connection", request: Row, answer: Answer) -> bool:
    """Write what became of a request; tell whether nobody has answered it before."""
    return bool(
        execute(
            connection,
            "loop/requests/answer",
            request_id=request["request_id"],
            status="refused" if answer.is_refusal else "done",
            answer=storable(answer.said),
            remedy=storable(answer.remedy),
            details=None if answer.details is None else json.dumps(storable(answer.details)),
        )
    )


def _answer_next(platform: "Platform") -> str | None:
    with platform.database.transaction(Role.PIPELINE) as connection:
        if fetch_one(connection, "loop/requests/oldest", kinds=list(_DONE_BY)) is None:
            return None
        ours = fetch_one(connection, "loop/requests/lock")
        request = fetch_one(connection, "loop/requests/oldest", kinds=list(_DONE_BY))
        if ours is None or not ours["is_ours"] or request is None:
            return None
        answer = _carry_out(platform, connection, request)
        record_answer(connection, request, answer)
    return f"request {request['request_id']} of {request['actor']}, {request['kind']} {request['campaign']}: {answer.said}"


def _carry_out(platform: "Platform", connection: "sa.Connection", request: Row) -> Answer:
    """Do what is asked, or nothing of it; whatever is wrong with one request holds up no other."""
    try:
        with connection.begin_nested():
            return _DONE_BY[request["kind"]](platform, connection, request)
    except DatabaseUnavailableError:
        raise
    except InvalidCampaignError as error:
        problems = [{"field": field, "message": message} for field, message in error.problems]
        return Answer(error.message, error.remedy, {"problems": problems}, is_refusal=True)
    except CatalystError as error:
        return Answer(error.message, error.remedy, is_refusal=True)
    except Exception as error:
        if explain_refusal(error) is not None:
            raise
        _log.exception("Request %s failed", request["request_id"])
        return Answer(
            f"It failed unexpectedly ({type(error).__name__}).",
            "The log of dagster-daemon has the details.",
            is_refusal=True,
        )


def _start(platform: "Platform", connection: "sa.Connection", request: Row) -> Answer:
    from catalyst_assets.campaigns.readiness import require_learnable

    campaign = check_goal(request["document"], request["campaign"])
    require_learnable(platform.objects, campaign)
    known = fetch_one(connection, "campaigns/one", name=campaign.name)
    store_campaign(connection, campaign, reopen=True)
    if known is None:
        return Answer(f"Campaign {campaign.name} is active: its test set is frozen.")
    was = "had ended and goes on" if known["status"] == "finished" else "goes on"
    changed = "" if known["sha256"] == campaign.sha256 else ", as it is described now"
    return Answer(f"Campaign {campaign.name} {was}{changed}.")


def _validate(platform: "Platform", _: "sa.Connection", request: Row) -> Answer:
    from catalyst_assets.campaigns.readiness import check_readiness

    campaign = check_goal(request["document"], request["campaign"])
    ready = check_readiness(platform.database, platform.objects, campaign)
    if lacking := why_unavailable(campaign.validator, platform, campaign.method):
        ready = replace(ready, problems=(*ready.problems, lacking))
    details = {"campaign": campaign.name, "sha256": campaign.sha256, "home": asdict(ready)}
    if ready.problems:
        return Answer(
            f"Campaign {campaign.name} is valid, and cannot run here yet: {' '.join(ready.problems)}",
            "Do what each of these problems says, then start it.",
            details,
            is_refusal=True,
        )
    return Answer(f"Campaign {campaign.name} is valid and can run.", details=details)


def _stop(_: "Platform", connection: "sa.Connection", request: Row) -> Answer:
    end_campaign(connection, request["campaign"], f"stopped by {request['actor']}: {request['reason']}")
    return Answer(f"Campaign {request['campaign']} has ended.")


def _next(_: "Platform", connection: "sa.Connection", request: Row) -> Answer:
    pending = note_advance(connection, request["campaign"])
    told = f"Campaign {request['campaign']} opens its next iteration{tell_pending(pending)}."
    return Answer(told, details={"pending": pending})


def _retry(_: "Platform", connection: "sa.Connection", request: Row) -> Answer:
    waiting = note_retry(connection, request["campaign"])
    why = f": {waiting['reason']}" if waiting else ""
    return Answer(f"Campaign {request['campaign']} tries again{why}.")


_DONE_BY: Final[Mapping[str, Callable[["Platform", "sa.Connection", Row], Answer]]] = {
    "start": _start,
    "validate": _validate,
    "stop": _stop,
    "next": _next,
    "retry": _retry,
}
