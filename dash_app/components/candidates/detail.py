"""One candidate in full: expectations beside answers, history, structure."""

from typing import Any, Final

from dash import html

from catalyst_assets.campaigns.rejections import KINDS_WITHOUT_LABELS
from catalyst_assets.constants import decimals, title_of
from dash_app.components.candidates.why import why_panel
from dash_app.components.results import results_section
from dash_app.components.tables import pairs, remark, table
from dash_app.components.tiles import badge
from dash_app.components.wording import (
    FAR,
    FAR_EXPLAINED,
    MISSING,
    formula,
    moment,
    number,
    percent,
    plus_minus,
    signed,
    stale_explained,
    with_unit,
)
from dash_app.contract import CandidateDetail, CandidateEvent, CandidateStatus, Validated
from dash_app.result_contract import ResultPage

# Of pymatgen's lattices: how each number is written.
_CELL: Final = {name: (name, " Å") for name in "abc"} | {
    name: (letter, "°") for name, letter in zip(("alpha", "beta", "gamma"), "αβγ", strict=True)
}


def candidate_panel(
    candidate: CandidateDetail, results: ResultPage, method: str, validator: str, *, is_learned: bool = True
) -> html.Div:
    """Show a candidate; ``method`` is the one whose answers count for its campaign, ``validator`` who gives them."""
    facts: list[tuple[str, Any]] = [
        ("Material", candidate.material_id),
        ("Rank", f"{candidate.rank:,} in iteration {candidate.iteration}"),
        ("Acquisition", number(candidate.acquisition, 4)),
    ]
    if candidate.feasibility is not None:
        facts.append(("Feasibility", percent(candidate.feasibility)))
    if candidate.hit is not None:
        facts.append(("Criteria", "all met" if candidate.hit else "not met"))
    elif candidate.validated and candidate.rejection_kind in KINDS_WITHOUT_LABELS:
        facts.append(("Criteria", f"not judged: {candidate.rejection_kind}, so that no measurement counts"))
    if candidate.distance is not None:
        distance = _distance(candidate.distance, candidate.out_of_distribution)
        facts.append(("Distance to training data", distance))
    units = {name: each.unit for name, each in candidate.predicted.items()}
    return html.Div(
        [
            html.Div([html.H2(formula(candidate.formula)), _standing(candidate)], className="card-head"),
            pairs(facts),
            html.H3("Properties"),
            _properties(candidate, method),
            *results_section(candidate, results, validator),
            *why_panel(candidate.explanation, units, candidate.labels, is_learned=is_learned),
            html.H3("History"),
            html.Ol([_event(event) for event in candidate.events], className="history"),
            *_structure(candidate.structure),
        ]
    )


def _standing(candidate: CandidateDetail) -> html.Div:
    kind, stale = candidate.rejection_kind, stale_explained(candidate)
    children = [badge(candidate.status.value, kind.value if kind else "")]
    if stale is not None:
        children.append(html.Span("Stale", className="badge badge-stale", title=stale))
    return html.Div(children, className="standing")


def _distance(distance: float, far: bool | None) -> list[Any]:
    text = f"{distance:.2f} × typical"
    return [text, " ", html.Span(FAR, className="badge badge-far", title=FAR_EXPLAINED)] if far else [text]


def _properties(candidate: CandidateDetail, method: str) -> html.Table:
    answers = {answer.property: answer for answer in candidate.validated if answer.method == method}
    names = [*candidate.predicted, *(name for name in answers if name not in candidate.predicted)]
    rows = []
    for name in names:
        predicted, answer = candidate.predicted.get(name), answers.get(name)
        unit = predicted.unit if predicted else answers[name].unit
        expected = plus_minus(predicted.mean, predicted.std) if predicted else MISSING
        title = html.Th(with_unit(name, unit, candidate.labels), scope="row")
        rows.append([title, html.Td(expected), html.Td(_answer(answer))])
    return table(("", "Predicted", f"Validated, {method}"), rows)


def _answer(answer: Validated | None) -> str:
    if answer is None:
        return MISSING
    if answer.value is None:
        return f"failed: {answer.note}"
    if answer.standard_deviation:
        return plus_minus(answer.value, answer.standard_deviation)
    return signed(decimals(answer.value))


def _event(event: CandidateEvent) -> html.Li:
    step = title_of(event.to_status.value)
    if event.rejection_kind is not None:
        step = f"{step} as {event.rejection_kind.value}"
    elif event.from_status is CandidateStatus.REJECTED:
        step = "Restored"
    children: list[Any] = [html.Strong(step), html.Span(f" by {event.actor}")]
    if event.reason:
        children.append(html.Q(event.reason))
    children.append(html.Time(moment(event.at), dateTime=event.at.isoformat(), className="soft small"))
    return html.Li(children)


def _structure(structure: dict[str, Any]) -> list[Any]:
    """Show a structure's cell and sites; nothing when it is not one of pymatgen's."""
    lattice, sites = structure.get("lattice") or {}, structure.get("sites") or []
    if not sites or "a" not in lattice:
        return []
    cell = " · ".join(
        f"{name} {lattice[key]:.4g}{unit}" for key, (name, unit) in _CELL.items() if key in lattice
    )
    rows = [
        [html.Th(site.get("label", "?"), scope="row"), *(html.Td(f"{x:.4f}") for x in site["abc"])]
        for site in sites
        if "abc" in site
    ]
    return [html.Details([html.Summary(f"Structure: {len(sites)} sites"), remark(cell), table((), rows)])]
