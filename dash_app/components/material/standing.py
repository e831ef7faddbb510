"""Where a material was ranked, and what people wrote about it."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from dash_app.components.controls import button
from dash_app.components.links import candidate_path, material_path
from dash_app.components.lists.history import history_item
from dash_app.components.material.look import Look
from dash_app.components.tables import remark
from dash_app.components.tiles import badge
from dash_app.components.wording import MISSING, aria, moment, number, percent
from dash_app.contract import Candidate
from dash_app.material_contract import MaterialDetail, MaterialEvent, Note


def rankings_table(material: MaterialDetail, look: Look) -> Any:
    """Show every iteration that ranked it, the newest first; the one that is looked at is marked."""
    if not material.candidates:
        listed = "No iteration has ranked it: it is in no pool, or was never among the best of one."
        return remark(listed)
    rows = [_row(each, look) for each in material.candidates]
    titles = ("Campaign", "Iteration", "Rank", "Score", "Chance of a hit", "Status", "")
    head = html.Tr([html.Th(title, scope="col") for title in titles])
    return html.Div(
        html.Table([html.Thead(head), html.Tbody(rows)], className="figures rankings"), className="wide tall"
    )


def history_list(history: Sequence[MaterialEvent], campaigns: int) -> Any:
    """Show what was decided, the newest first; of several campaigns each step names its own."""
    decided = [each for each in history if each.from_status is not None]
    if not decided:
        return remark("Nothing was decided about it.")
    items = [
        history_item(
            each,
            f"iteration {each.iteration}"
            if campaigns < 2
            else f"{each.campaign}, iteration {each.iteration}",
        )
        for each in reversed(decided)
    ]
    return html.Div(html.Ol(items, className="history"), className="tall inset")


def notes_list(notes: Sequence[Note]) -> Any:
    """Show what people wrote, the newest first."""
    if not notes:
        return remark("Nobody has written a note yet.")
    return html.Ul([_note(each) for each in reversed(notes)], className="plain notes tall")


def note_form() -> html.Div:
    """Lay out where a note is written; `assets/review_notes.js` sends it."""
    return html.Div(
        [
            html.Div(id="notes-unsent"),
            html.Label("Write a note", htmlFor="note-text", className="small"),
            html.Textarea(id="note-text", rows=2, maxLength=10_000),
            html.Div(
                [
                    html.Span("It stays as you write it, under your name.", className="soft small"),
                    button("Add note", "note-send", "primary"),
                ],
                className="note-foot",
            ),
            html.Div(id="note-complaint", className="complaint", role="alert"),
        ],
        className="note-form decide",
    )


def _row(candidate: Candidate, look: Look) -> html.Tr:
    is_shown = look.candidate is not None and candidate.candidate_id == look.candidate.candidate_id
    here = material_path(candidate.material_id, candidate.campaign, candidate.candidate_id)
    ranking = candidate_path(candidate.campaign, candidate.iteration, candidate.candidate_id)
    standing: list[Any] = [badge(candidate.status.value, candidate.rejection_kind or "")]
    if candidate.hit:
        standing.append(html.Span("Hit", className="hit"))
    cells = [
        html.Th(candidate.campaign, scope="row"),
        html.Td(
            str(candidate.iteration) if is_shown else dcc.Link(str(candidate.iteration), href=here),
        ),
        html.Td(f"{candidate.rank:,}"),
        html.Td(number(candidate.acquisition, 4)),
        html.Td(percent(candidate.feasibility) or MISSING),
        html.Td(standing),
        html.Td(dcc.Link("In the ranking", href=ranking)),
    ]
    return html.Tr(cells, className="shown" if is_shown else "", **aria(current="true") if is_shown else {})


def _note(note: Note) -> html.Li:
    foot = html.Div([note.author, " · ", moment(note.written_at)], className="soft small")
    return html.Li([html.P(note.text, className="note-text"), foot])
