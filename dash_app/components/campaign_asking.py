"""What admins may ask of a campaign, what each request would do, and what became of those that were made."""

from typing import Any, Final
from urllib.parse import quote

from dash import dcc, html

from dash_app.components.dialogs import dialog, question
from dash_app.components.messages import empty_state
from dash_app.components.wording import aria, count, data, moment
from dash_app.contract import API_PREFIX, CampaignDetail, CandidateStatus
from dash_app.dispatch_contract import CampaignRequest, RequestStatus

_NAMES: Final = {
    "start": "Start or change",
    "validate": "Check",
    "stop": "End campaign",
    "next": "Open next iteration",
    "retry": "Try again",
    "report": "Report",
}
_SHOWN: Final = 6


def actions_bar(campaign: CampaignDetail, requests: list[CampaignRequest]) -> html.Div:
    """Offer what can be asked now; who may not is not shown it."""
    name = quote(campaign.name)
    latest = campaign.progress[-1] if campaign.progress else None
    is_active = campaign.status == "active"
    asked: set[str] = {each.kind for each in requests if each.status is RequestStatus.WAITING}
    buttons: list[Any] = []
    ends: list[Any] = []
    if is_active and latest is not None and latest.status in ("ranked", "closed"):
        buttons.append(_ask("next", "Open next iteration…", _next(campaign), asked))
    if is_active and campaign.waiting and campaign.waiting.failed_run_id:
        buttons.append(_ask("retry", "Try again…", _retry(campaign), asked))
    if is_active:
        ends.append(_ask("stop", "End campaign…", _STOP, asked, look="danger"))
    elif campaign.status == "finished":
        said = (
            f"It ended: {campaign.stop_reason or 'nobody noted why'}. It goes on as it is described; where a stop rule ended "
            "it, change that first, or it ends again at once."
        )
        buttons.append(_ask("start", "Resume…", said, asked))
    links = [
        dcc.Link("Edit goal…", href=f"/new-campaign?change={name}", className="button quiet"),
        dcc.Link("Duplicate…", href=f"/new-campaign?copy={name}", className="button quiet"),
    ]
    return html.Div(
        [
            html.Div([*_report(campaign, requests), *buttons], className="ask-buttons"),
            html.Div([*links, *ends], className="ask-buttons admin"),
        ],
        className="asking",
    )


def requests_panel(requests: list[CampaignRequest]) -> html.Section | None:
    """Show what was asked lately and what became of it; None where nothing was."""
    if not requests:
        return None
    rest = len(requests) - _SHOWN
    return html.Section(
        [
            html.H2("Asked of this campaign"),
            html.Ul([_request(each) for each in requests[:_SHOWN]], className="requests"),
            html.P(f"And {rest:,} earlier.", className="soft small") if rest > 0 else None,
        ],
        className="panel",
        id="campaign-requests",
    )


def ask_dialog() -> html.Div:
    """Lay out the dialog that confirms a request; `assets/review_campaigns.js` opens it."""
    # The browser's own: one of Dash would keep what was typed for another request.
    why = html.Textarea(id="ask-reason", maxLength=2000, rows=3)
    return dialog("ask", "", "", question("Reason", "ask-reason", why), confirm="Ask")


def no_iteration() -> html.Div:
    """Fill the place of iterations where none has opened."""
    return empty_state(
        "No iteration has opened yet",
        "The loop opens the first one by itself: it waits for features of the pool's materials, then ranks them.",
        "catalyst up",
    )


_STOP: Final = (
    "No further iteration opens. What is being computed or validated still comes in. It can be let go on later; the reason "
    "is kept with it and shown in its report."
)


def _ask(kind: str, text: str, says: str, asked: set[str], *, look: str = "quiet") -> html.Button:
    told = data(ask=kind, title=text.rstrip("…"), says=says)
    waits = kind in asked
    return html.Button(
        f"{text.rstrip('…')}: asked" if waits else text,
        className=f"{look} admin",
        type="button",
        disabled=waits,
        **told,
    )


def _next(campaign: CampaignDetail) -> str:
    waiting = sum(
        each.candidates.get(status, 0)
        for each in campaign.progress
        for status in (CandidateStatus.FLAGGED, CandidateStatus.IN_VALIDATION)
    )
    number = campaign.progress[-1].iteration + 1
    late = (
        f"{count(waiting, 'candidate')} that {'is' if waiting == 1 else 'are'} flagged or in validation "
        f"go{'es' if waiting == 1 else ''} on, and what they answer is learned later."
        if waiting
        else "Nothing is in validation."
    )
    return (
        f"Iteration {number} opens now, although the batch is not answered: a model learns from what is known and ranks the "
        f"pool again. {late}"
    )


def _retry(campaign: CampaignDetail) -> str:
    waiting = campaign.waiting
    if waiting is None:
        return ""
    by_itself = (
        f" By itself it is tried again at {moment(waiting.next_try_at)}." if waiting.next_try_at else ""
    )
    return f"What failed is tried again at once: {waiting.failure or waiting.reason}.{by_itself}"


def _report(campaign: CampaignDetail, requests: list[CampaignRequest]) -> list[Any]:
    reports = [each for each in requests if each.kind == "report"]
    written = next((each for each in reports if each.status is RequestStatus.DONE), None)
    is_asked = any(each.status is RequestStatus.WAITING for each in reports)
    link = None
    if written is not None and written.answered_at is not None:
        link = html.A(
            f"Report of {moment(written.answered_at)}",
            href=f"{API_PREFIX}/campaigns/{quote(campaign.name)}/report",
            className="report-link",
        )
    button = html.Button(
        "Report is being written" if is_asked else "Write report",
        className="quiet reviewer-only",
        type="button",
        disabled=is_asked,
        **data(ask="report", title="Write report", says=""),
    )
    return [link, button] if link is not None else [button]


def _request(request: CampaignRequest) -> html.Li:
    said: list[Any] = [
        html.Span(request.status.value, className=f"badge badge-{request.status.value}"),
        html.Strong(_NAMES[request.kind]),
        html.Span(f"{request.actor}, {moment(request.asked_at)}", className="soft small"),
    ]
    told = [text for text in (request.answer, request.remedy) if text]
    if request.status is RequestStatus.WAITING and not told:
        told = ["The loop carries it out within seconds."]
    return html.Li(
        [
            html.Div(said, className="request-head"),
            html.Q(request.reason) if request.reason else None,
            html.P(" ".join(told), className="small"),
        ],
        **aria(label=f"{_NAMES[request.kind]}: {request.status.value}"),
    )
