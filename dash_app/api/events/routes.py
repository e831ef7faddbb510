"""`/events`: every change as a server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import asyncio
from collections.abc import AsyncIterator
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.sse import format_sse_event

from dash_app.api.events.feed import AT_ONCE, Feed
from dash_app.api.problems import InvalidBodyError, problem_response, problem_responses
from dash_app.contract import FieldError
from resources.postgres.database import Row

router = APIRouter(tags=["events"], responses=problem_responses(422, 503))

_SILENCE_SECONDS: Final = 15.0
# Then the client connects again by itself, and is asked again who it is.
_LONGEST_SECONDS: Final = 900.0
_RETRY_MS: Final = 2000
_LARGEST: Final = 2**63 - 1
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_EXAMPLE: Final = 'id: 7\nevent: candidate.flagged\ndata: {"campaign": "oxide-perovskites-demo", "candidate_id": 12, ...}\n\n'
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events, as long as the connection lasts",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


@router.get("/events", summary="Follow what changes", response_class=Response, responses=_ANSWER)
async def stream_events(
    request: Request,
    last_event_id: Annotated[
        str | None,
        Header(max_length=20, description="Resume after this event, as browsers do by themselves."),
    ] = None,
    after: Annotated[
        int | None, Query(ge=0, le=_LARGEST, description="Likewise, where no header can be sent; 0 for all.")
    ] = None,
    campaign: Annotated[str | None, Query(max_length=60, description="Only of this campaign.")] = None,
    kind: Annotated[
        list[str] | None,
        Query(max_length=20, description="Only of these kinds, such as `candidate.flagged` or `result.*`."),
    ] = None,
    follow: Annotated[bool, Query(description="False to be sent what there is, and no more.")] = True,
) -> Response:
    """Send each change as it is committed: of candidates, results, calculations, iterations, campaigns, uploads and more.

    Changes are kept for a week. Who resumes after an older one is first sent `reset`: read again what you show.
    """
    feed: Feed = request.app.state.feed
    if feed.is_full:
        return problem_response(503, "busy", "As many as may listen do already.", "Try again later.")
    resumed = _number(last_event_id) if last_event_id else after
    if request.scope.get("is_head"):
        return Response(media_type="text/event-stream", headers=_HEADERS)
    (kept,) = await feed.read("app/door/changes_kept")
    wanted = _Wanted(campaign, tuple(kind or ()))
    stream = _stream(feed, kept, resumed, wanted, follow=follow)
    return StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)


class _Wanted:
    """Which changes a subscriber asked for."""

    def __init__(self, campaign: str | None, kinds: tuple[str, ...]) -> None:
        self._campaign = campaign
        self._kinds = kinds

    def __call__(self, change: Row) -> bool:
        return (self._campaign is None or change["campaign"] in (None, self._campaign)) and (
            not self._kinds or any(fnmatchcase(change["kind"], kind) for kind in self._kinds)
        )


async def _stream(
    feed: Feed, kept: Row, resumed: int | None, wanted: _Wanted, *, follow: bool
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + _LONGEST_SECONDS
    with feed.subscribed() as subscriber:
        await feed.listening()
        last = kept["newest"] if resumed is None else resumed
        is_lost = resumed is not None and not kept["oldest"] - 1 <= resumed <= kept["newest"]
        if is_lost and resumed != 0:
            last = kept["newest"]
        yield format_sse_event(
            event="reset" if is_lost else "connected", data_str="{}", id=str(last), retry=_RETRY_MS
        )
        while rows := await feed.read("app/door/changes", after=last, limit=AT_ONCE):
            last = rows[-1]["change_id"]
            for row in filter(wanted, rows):
                yield _event(row)
        ended = asyncio.ensure_future(subscriber.is_ended.wait())
        try:
            while follow and loop.time() < ends_at and not subscriber.is_ended.is_set():
                coming = asyncio.ensure_future(subscriber.waiting.get())
                await asyncio.wait(
                    (coming, ended), timeout=_SILENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if not coming.done():
                    coming.cancel()
                    yield b": nothing new\n\n"
                    continue
                row = coming.result()
                if row["change_id"] > last:
                    last = row["change_id"]
                    if wanted(row):
                        yield _event(row)
        finally:
            ended.cancel()


def _event(row: Row) -> bytes:
    data = {"at": row["at"], "campaign": row["campaign"], **row["data"]}
    return format_sse_event(event=row["kind"], data_str=orjson.dumps(data).decode(), id=str(row["change_id"]))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST:
        error = FieldError(field="Last-Event-ID", message="is no number of an event")
        raise InvalidBodyError(
            "Last-Event-ID is no number of an event.", "Send the id of the event you had last.", [error]
        )
    return int(text)
