"""One candidate in full: expectations beside answers, history, structure."""

from typing import Any

from dash import html

from catalyst_assets.campaigns.rejections import KINDS_WITHOUT_LABELS
from catalyst_assets.constants import NO_STRUCTURE, decimals
from dash_app.components.candidates.deciding import deciding
from dash_app.components.candidates.why import why_panel
from dash_app.components.charts.crystal import read_crystal, sites_table
from dash_app.components.links import material_link
from dash_app.components.lists.history import history_item
from dash_app.components.results import results_section
from dash_app.components.tables import pairs, remark, table
from dash_app.components.tiles import badge
from dash_app.components.wording import (
    FAR,
    FAR_EXPLAINED,
    MISSING,
    count,
    formula,
    percent,
    plus_minus,
    signed,
    stale_explained,
    three_decimals,
    with_unit,
)
from dash_app.contract import CandidateDetail, Validated
from dash_app.result_contract import ResultPage


def candidate_panel(
    candidate: CandidateDetail, results: ResultPage, method: str, validator: str, *, is_learned: bool = True
) -> html.Div:
    """Show a candidate; ``method`` is the one whose answers count for its campaign, ``validator`` who gives them."""
    facts: list[tuple[str, Any]] = [
        ("Material", candidate.material_id),
        ("Rank", f"{candidate.rank:,} in iteration {candidate.iteration}"),
        ("Score", three_decimals(candidate.acquisition)),
    ]
    if candidate.feasibility is not None:
        facts.append(("Chance of a hit", percent(candidate.feasibility)))
    if candidate.hit is not None:
        facts.append(("Criteria", "all met" if candidate.hit else "not met"))
    elif candidate.validated and candidate.rejection_kind in KINDS_WITHOUT_LABELS:
        facts.append(("Criteria", f"not judged: {candidate.rejection_kind}, so that no measurement counts"))
    if candidate.distance is not None:
        distance = _distance(candidate.distance, candidate.out_of_distribution)
        facts.append(("Distance to training data", distance))
    units = {name: each.unit for name, each in candidate.predicted.items()}
    title = material_link(
        candidate.material_id, formula(candidate.formula), candidate.campaign, candidate.candidate_id
    )
    return html.Div(
        [
            html.Div([html.H2(title), _standing(candidate)], className="card-head"),
            deciding(candidate),
            pairs(facts),
            html.H3("Properties"),
            _properties(candidate, method),
            *results_section(candidate, results, validator),
            *why_panel(candidate.explanation, units, candidate.labels, is_learned=is_learned),
            html.H3("History"),
            html.Ol([history_item(event) for event in candidate.events], className="history"),
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
    return table(("", "Predicted", "Measured"), rows)


def _answer(answer: Validated | None) -> str:
    if answer is None:
        return MISSING
    if answer.value is None:
        return f"failed: {answer.note}"
    if answer.standard_deviation:
        return plus_minus(answer.value, answer.standard_deviation)
    return signed(decimals(answer.value))


def _structure(structure: dict[str, Any] | None) -> list[Any]:
    """Show a structure's cell and sites, or that there is none; nothing when it is not one of pymatgen's."""
    if structure is None:
        return [remark(NO_STRUCTURE)]
    crystal = read_crystal(structure)
    if crystal is None:
        return []
    summary = html.Summary(f"Structure: {count(len(crystal.sites), 'site')}")
    return [
        html.Details(
            [summary, remark(f"{crystal.lengths_text} · {crystal.angles_text}"), sites_table(crystal)]
        )
    ]
