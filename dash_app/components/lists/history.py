"""What became of candidates, step by step, with who decided and why."""

from typing import Any

from dash import html

from catalyst_assets.constants import title_of
from dash_app.components.wording import moment
from dash_app.contract import CandidateEvent, CandidateStatus


def history_item(event: CandidateEvent, where: str = "") -> html.Li:
    """Show one step; ``where`` it was taken is said beside when."""
    step = title_of(event.to_status.value)
    if event.rejection_kind is not None:
        step = f"{step} as {event.rejection_kind.value}"
    elif event.from_status is CandidateStatus.REJECTED:
        step = "Restored"
    children: list[Any] = [html.Strong(step), html.Span(f" by {event.actor}")]
    if event.reason:
        children.append(html.Q(event.reason))
    when = f"{moment(event.at)} · {where}" if where else moment(event.at)
    children.append(html.Time(when, dateTime=event.at.isoformat(), className="soft small"))
    return html.Li(children)
