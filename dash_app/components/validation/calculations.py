"""Calculations that a validator runs: what runs and for how long, what failed and what can be done, what was printed last."""

from datetime import UTC, datetime
from typing import Any, Final

from dash import html

from catalyst_assets.constants import decimals, title_of
from dash_app.components.dialogs import native_dialog
from dash_app.components.messages import empty_state
from dash_app.components.tables import table
from dash_app.components.tiles import badge
from dash_app.components.wording import MISSING, formula, moment, plus_minus, signed, took
from dash_app.work_contract import Calculation, CalculationPage

_TITLES: Final = ("Calculation", "Candidate", "State", "Attempt", "Time", "What it found, or why not", "")
_LOOKS: Final = {
    "running": "in_validation",
    "waiting": "flagged",
    "done": "validated",
    "failed": "rejected",
    "cancelled": "ranked",
}


def calculations_view(page: CalculationPage, validator: str) -> list[Any]:
    """Show a campaign's calculations; ``validator`` is who answers."""
    if not page.items:
        if validator in ("gpaw", "adsorption", "command"):
            return [
                empty_state(
                    "No calculation was asked for yet",
                    "Each flagged candidate becomes one, as far as budget and concurrency reach.",
                )
            ]
        return [
            empty_state(
                "This campaign computes nothing",
                f"Its validator is {title_of(validator).lower()}. Calculations are those of the validators "
                "gpaw, adsorption and command.",
            )
        ]
    counts = ", ".join(f"{page.counts[status]:,} {status}" for status in _LOOKS if page.counts.get(status))
    rest = page.total - len(page.items)
    return [
        html.P(f"{counts}.{_typical(page)}", className="soft small"),
        html.Div(
            table(_TITLES, [_row(each, page.typical_seconds) for each in page.items], "figures ledger"),
            className="scrolls",
        ),
        html.P(f"And {rest:,} more; GET /api/v1/campaigns/…/calculations has all.", className="soft small")
        if rest > 0
        else None,
    ]


def _typical(page: CalculationPage) -> str:
    if page.typical_seconds is None:
        return ""
    half = took(page.typical_seconds)
    return (
        f" The last one took {half}."
        if page.typical_of == 1
        else f" Half of the last {page.typical_of:,} took longer than {half}."
    )


def log_dialog() -> html.Dialog:
    """Lay out where the last lines of a calculation are shown."""
    return native_dialog(
        "log",
        "What it printed last",
        html.Pre(id="log-text", className="log", tabIndex="0"),
        kind="wide-dialog",
    )


def _row(each: Calculation, typical: float | None) -> list[Any]:
    opens: dict[str, Any] = {"data-open-candidate": str(each.candidate_id)}
    name = html.Code(each.job_id[:12], title=each.job_id)
    run = (
        html.Div(html.A("Its run", href=each.address, target="_blank"), className="small")
        if each.address
        else None
    )
    where = (
        f"on {each.host}" if each.host and each.status == "running" else f"{each.validator}, {each.method}"
    )
    second = each.attempt % 2 == 0
    asked = (each.attempt + 1) // 2
    tries = [html.Div("second, after one that died" if second else "first")]
    if asked > 1:
        tries.append(html.Div(f"asked for {asked} times", className="soft small"))
    asks: dict[str, Any] = {"data-log": each.job_id}
    log = html.Button("Log", type="button", className="link", **asks) if each.started_at else None
    return [
        html.Td([name, html.Div(where, className="soft small"), run]),
        html.Td(
            [
                html.Button(formula(each.formula), type="button", className="link formula-link", **opens),
                html.Div(f"iteration {each.iteration}", className="soft small"),
            ]
        ),
        html.Td(badge(each.status, look=_LOOKS[each.status])),
        html.Td(tries),
        html.Td(_time(each, typical)),
        html.Td(_found(each), className="wraps"),
        html.Td(log),
    ]


def _time(each: Calculation, typical: float | None) -> list[Any]:
    if each.status == "waiting":
        return [html.Div(f"asked {moment(each.submitted_at)}", className="small")]
    if each.started_at is None:
        return [html.Div(MISSING)]
    seconds = ((each.finished_at or datetime.now(UTC)) - each.started_at).total_seconds()
    children: list[Any] = [html.Div(took(seconds))]
    if each.status == "running" and typical:
        share = min(1.0, seconds / typical)
        inner = html.Span(style={"width": f"{share:.0%}"})
        children.append(html.Span(inner, className="meter", title=f"Half of them take {took(typical)}"))
    children.append(
        html.Div(
            f"since {moment(each.started_at)}"
            if each.status == "running"
            else moment(each.finished_at or each.started_at),
            className="soft small",
        )
    )
    return children


def _found(each: Calculation) -> list[Any]:
    values: list[Any] = [
        html.Div(
            [
                f"{each.labels.get(name) or title_of(name)} ",
                html.Strong(
                    f"{plus_minus(answer.value, answer.standard_deviation) if answer.standard_deviation else signed(decimals(answer.value))}"
                    f" {answer.unit}".strip()
                ),
            ]
        )
        for name, answer in each.answers.items()
    ]
    if each.reason:
        values.append(html.Div(f"{each.reason[:1].upper()}{each.reason[1:]}", className="why-not small"))
    if each.remedy:
        values.append(html.Div(_with_commands(each.remedy), className="soft small"))
    if each.note:
        values.append(html.Q(each.note, className="small soft"))
    return values or [MISSING]


def _with_commands(text: str) -> list[Any]:
    """Write what stands between backticks as what is typed."""
    return [html.Code(part) if place % 2 else part for place, part in enumerate(text.split("`"))]
