"""What is looked at before results are sent: each row with what it would do, or what is wrong with it."""

from typing import Any, Final

from dash import html

from catalyst_assets.constants import decimals, title_of
from dash_app.client import ApiError
from dash_app.components.tables import table
from dash_app.components.wording import count, formula, in_words, plus_minus, signed
from dash_app.contract import FieldError
from dash_app.result_contract import CheckedRow, Movement, Recorded

_SHOWN: Final = 200
_DOES: Final = {"new": "New", "correction": "Corrects", "known": "There already"}


def preview(recorded: Recorded, *, has_criteria: bool) -> html.Div:
    """Show what would happen: all in all, candidate by candidate, and row by row.

    Parameters
    ----------
    has_criteria
        Whether a material is a hit or not in this campaign.
    """
    why = {each.place: each for each in recorded.corrections}
    notes = [
        *recorded.conversions,
        *recorded.remarks,
        *(
            [f"{count(recorded.unfilled, 'row')} without a result yet: left out."]
            if recorded.unfilled
            else []
        ),
    ]
    children: list[Any] = [html.Strong(_headline(recorded))]
    if recorded.movements:
        children.append(html.Ul([_movement(each, has_criteria) for each in recorded.movements]))
    if notes:
        children.append(html.Ul([html.Li(note) for note in notes], className="small"))
    rows = [
        [*_cells(row), html.Td(_effect(row, why[row.place].before if row.place in why else ""))]
        for row in recorded.rows[:_SHOWN]
    ]
    rest = recorded.added + recorded.corrected + recorded.unchanged - len(rows)
    return html.Div(
        [
            html.Div(children, className="message done"),
            html.Div(
                table(("Row", "Material", "Measured", "What it does"), rows, "figures checked"),
                className="checked-rows",
            )
            if rows
            else None,
            html.P(f"And {rest:,} more rows.", className="soft small") if rest > 0 and rows else None,
        ]
    )


def refusal(error: ApiError) -> html.Div:
    """Show why something was not taken, with every field or row that is wrong."""
    if not error.errors:
        told = [html.Strong(error.message), html.Span(f" {error.remedy}" if error.remedy else "")]
        return html.Div(told, className="message problem", role="alert")
    problems = error.errors[:_SHOWN]
    n = len(error.errors)
    first = "Nothing was recorded: one problem." if n == 1 else f"Nothing was recorded: {n:,} problems."
    sound = error.message.rpartition(". ")[2] if error.message.endswith("in order.") else ""
    is_file = any(each.place for each in problems)
    titles = (
        ("Row", "Column", "What is wrong", "What to do")
        if is_file
        else ("Field", "What is wrong", "What to do")
    )
    return html.Div(
        [
            html.P([html.Strong(first), html.Span(f" {sound}" if sound else "")]),
            table(titles, [_problem(each, is_file=is_file) for each in problems], "figures checked"),
            html.P(f"And {n - _SHOWN:,} more.", className="small") if n > _SHOWN else None,
        ],
        className="message problem",
        role="alert",
    )


def _headline(recorded: Recorded) -> str:
    if not recorded.added and not recorded.corrected:
        return "All of it is in the ledger already: nothing would change."
    parts = [
        f"{n:,} {text}"
        for n, text in (
            (recorded.added, "would be added"),
            (recorded.corrected, "would correct others"),
            (recorded.unchanged, "there already"),
        )
        if n
    ]
    failed = f" ({recorded.failed:,} of them failed attempts)" if recorded.failed else ""
    return f"{', '.join(parts)}{failed}; nothing is recorded yet."


def _movement(each: Movement, has_criteria: bool) -> html.Li:
    meaning = ""
    if has_criteria and each.after == "validated":
        meaning = ": a hit"
    elif has_criteria and each.after == "rejected (poor)":
        meaning = ": no hit"
    step = f", candidate {each.candidate}: {in_words(each.before)} → {in_words(each.after)}"
    return html.Li([*formula(each.formula), step, html.Strong(meaning)])


def _cells(row: CheckedRow) -> list[Any]:
    where = f"candidate {row.candidate}" if row.candidate else row.material_id
    what = row.label_of or (title_of(row.property) if row.property else "Whole attempt")
    samples = " · ".join(
        part
        for part in (
            f"sample {row.sample}" if row.sample else "",
            f"batch {row.batch}" if row.batch else "",
            f"replicate {row.replicate}" if row.replicate > 1 else "",
            f"by {row.method}",
        )
        if part
    )
    return [
        html.Td(row.place or "\u2013"),
        html.Td([html.Strong(formula(row.formula)), html.Div(where, className="soft small")]),
        html.Td(
            [
                what,
                " ",
                html.Strong(_value(row.value, row.standard_deviation, row.unit)),
                html.Span(f" (given as {signed(row.given)})", className="soft") if row.given else None,
                html.Div(samples, className="soft small"),
            ]
        ),
    ]


def _effect(row: CheckedRow, before: str) -> list[Any]:
    said = _DOES[row.does] + (f" {signed(before)}" if row.does == "correction" and before else "")
    children: list[Any] = [html.Div(said)]
    if row.label is not None:
        of = f", the mean of {row.replicates}" if row.replicates > 1 else ""
        noise = "" if row.label_deviation else "; how well it is known is learned from all labels"
        text = f"Label {_value(row.label, row.label_deviation, row.unit)}{of}{noise}"
        children.append(html.Div(text, className="soft small"))
    elif row.outcome == "failed":
        children.append(html.Div("An attempt that failed: no label", className="soft small"))
    elif not row.is_label:
        children.append(html.Div("No label of a campaign", className="soft small"))
    children += [html.Div(f"⚠ {flag}", className="why-not small") for flag in row.flags]
    return children


def _problem(error: FieldError, *, is_file: bool) -> list[Any]:
    said = html.Td(f"{error.message.rstrip('.')}.")
    if is_file:
        return [
            html.Td(error.place or "\u2013"),
            html.Td(error.field or "\u2013"),
            said,
            html.Td(error.remedy),
        ]
    return [html.Td(title_of(error.field) if error.field else "\u2013"), said, html.Td(error.remedy)]


def _value(value: float | None, deviation: float | None, unit: str | None) -> str:
    if value is None:
        return "failed"
    text = plus_minus(value, deviation) if deviation else signed(decimals(value))
    return f"{text} {unit or ''}".strip()
