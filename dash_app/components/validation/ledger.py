"""A campaign's results: what counts, what was corrected or retracted and why, and the history of one."""

from typing import Any

from dash import html

from catalyst_assets.constants import title_of
from dash_app.components.messages import empty_state
from dash_app.components.results import result_actions, result_value
from dash_app.components.tables import table
from dash_app.components.wording import MISSING, formula, moment
from dash_app.result_contract import Result, ResultPage

_TITLES = ("No.", "Material", "Property", "Value", "Method, sample", "Sent by", "Standing", "")


def results_view(page: ResultPage, limit: int, most: int) -> list[Any]:
    """Show a page of the ledger, the newest first, and how to see older ones.

    Parameters
    ----------
    limit, most
        How many were asked for, and how many can be.
    """
    if not page.items:
        return [
            empty_state(
                "No results yet",
                "They appear here as they come: from the form of a candidate in validation, a file, the API, or a validator.",
            )
        ]
    shown = table(_TITLES, [_row(result) for result in page.items], "figures ledger")
    older: dict[str, Any] = {"data-older": str(min(limit + 100, most))}
    children: list[Any] = [
        html.P(_counted(page), className="soft small"),
        html.Div(shown, className="scrolls"),
    ]
    if page.next is not None and limit < most:
        children.append(html.Button("Show older ones", type="button", className="quiet", **older))
    elif page.next is not None:
        children.append(html.P(f"The newest {limit:,}; GET /api/v1/results has all.", className="soft small"))
    return children


def chain(results: list[Result]) -> html.Ol:
    """Show what was said of one measurement, oldest first."""
    return html.Ol([_link(result) for result in results], className="history")


def _counted(page: ResultPage) -> str:
    if page.next is None:
        return f"{page.total:,} results, the newest first."
    return f"The newest {len(page.items):,} of {page.total:,} results."


def _row(result: Result) -> list[Any]:
    value: Any = html.Strong(result_value(result))
    if result.superseded_by is not None:
        value = html.S(result_value(result))
    name = result.label or (title_of(result.property) if result.property else "Whole attempt")
    about = [
        f"sample {result.sample}" if result.sample else "",
        f"batch {result.batch}" if result.batch else "",
    ]
    about += [f"replicate {result.replicate}" if result.replicate > 1 else ""]
    about += [f"{key} {given}" for key, given in result.conditions.items()]
    opens: dict[str, Any] = {"data-open-candidate": str(result.candidate_id)}
    material = (
        html.Button(formula(result.formula), type="button", className="link formula-link", **opens)
        if result.candidate_id
        else html.Span(formula(result.formula), title=result.material_id)
    )
    return [
        html.Td(str(result.result_id)),
        html.Td([material, html.Div(_asked(result), className="soft small")]),
        html.Td(name),
        html.Td([value, _attached(result)]),
        html.Td([result.method, html.Div(" · ".join(filter(None, about)), className="soft small")]),
        html.Td([result.submitted_by, html.Div(moment(result.submitted_at), className="soft small moment")]),
        html.Td(_standing(result)),
        html.Td(result_actions(result), className="results"),
    ]


def _asked(result: Result) -> str:
    return (
        f"candidate {result.candidate_id}, iteration {result.iteration}"
        if result.candidate_id
        else "not asked for"
    )


def _attached(result: Result) -> Any:
    if not result.attachment.startswith("/api/v1/attachments/"):
        return None
    return html.Div(html.A("Raw data", href=result.attachment, download=""), className="small")


def _standing(result: Result) -> list[Any]:
    if result.outcome == "retracted":
        return [
            html.Span("Retraction", className="badge"),
            html.Div(f"of {result.supersedes}: {result.reason}", className="small"),
        ]
    if result.counts:
        badge = html.Span("Counts", className="badge badge-validated")
        corrected = f"Corrects {result.supersedes}: {result.reason}" if result.reason else ""
        return [badge, html.Div(corrected, className="small") if corrected else None]
    why = result.why_not
    return [
        html.Span("Does not count", className="badge"),
        html.Div(f"{why[:1].upper()}{why[1:]}." if why else MISSING, className="small why-not"),
    ]


def _link(result: Result) -> html.Li:
    step = (
        "Retracted" if result.outcome == "retracted" else "Corrected to" if result.supersedes else "Sent as"
    )
    children: list[Any] = [html.Strong(step)]
    if result.outcome != "retracted":
        children.append(f" {result_value(result)}")
    children.append(f" by {result.submitted_by}")
    if result.reason:
        children.append(html.Q(result.reason))
    if result.note:
        children.append(html.Q(result.note))
    at = result.submitted_at
    return html.Li(
        [
            *children,
            html.Time(
                f"No. {result.result_id}, {moment(at)}", dateTime=at.isoformat(), className="soft small"
            ),
        ]
    )
