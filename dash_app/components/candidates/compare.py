"""Candidates side by side: what was said of each, a row a question."""

from collections.abc import Callable, Sequence
from typing import Any

from dash import html

from catalyst_assets.constants import in_sentence, title_of
from dash_app.components.candidates.about import windows_of
from dash_app.components.candidates.bars import reach_of, value_bar
from dash_app.components.links import material_link
from dash_app.components.tables import table
from dash_app.components.tiles import badge
from dash_app.components.wording import (
    MISSING,
    criterion,
    formula,
    percent,
    plus_minus,
    three_decimals,
    with_unit,
)
from dash_app.contract import CampaignDetail, CandidateDetail, Validated


def comparison(campaign: CampaignDetail, candidates: Sequence[CandidateDetail]) -> html.Table:
    """Lay out two or more candidates of a campaign, a column each."""
    rows: list[list[Any]] = [
        _row("Status", candidates, lambda one: badge(one.status.value, one.rejection_kind or "")),
        _row("Rank", candidates, lambda one: f"{one.rank:,} in iteration {one.iteration}"),
        _row("Chance of a hit", candidates, lambda one: percent(one.feasibility) or MISSING),
        _row("Score", candidates, lambda one: three_decimals(one.acquisition)),
    ]
    for info in campaign.properties:
        title = with_unit(info.name, info.unit, {info.name: info.label})
        rows.append(_row(title, candidates, _values(campaign, info.name, candidates)))
    rows += _alternatives(campaign, candidates)
    rows.append(_row("Nearest labelled", candidates, _nearest))
    rows.append(
        _row(
            "Distance to training data",
            candidates,
            lambda one: MISSING if one.distance is None else f"{one.distance:.2f}",
        )
    )
    rows.append(_row("Elements", candidates, lambda one: one.chemical_system.replace("-", ", ")))
    heads = [html.Th("")] + [
        html.Th(
            material_link(one.material_id, formula(one.formula), one.campaign, one.candidate_id), scope="col"
        )
        for one in candidates
    ]
    shown = table((), rows, "figures compared")
    return html.Table([html.Thead(html.Tr(heads)), shown.children], className="figures compared")


def _row(
    title: str, candidates: Sequence[CandidateDetail], tell: Callable[[CandidateDetail], Any]
) -> list[html.Th | html.Td]:
    return [html.Th(title, scope="row"), *(html.Td(tell(one)) for one in candidates)]


def _values(
    campaign: CampaignDetail, name: str, candidates: Sequence[CandidateDetail]
) -> Callable[[CandidateDetail], Any]:
    method, windows = campaign.document.get("method", ""), windows_of(campaign, name)

    def answers(one: CandidateDetail) -> list[Validated]:
        return [each for each in one.validated if (each.property, each.method) == (name, method)]

    known = [each.value for one in candidates for each in answers(one) if each.value is not None]
    reach = reach_of(windows, [one.predicted[name] for one in candidates if name in one.predicted], known)

    def tell(one: CandidateDetail) -> list[Any]:
        predicted, found = one.predicted.get(name), answers(one)
        chance = percent(one.chances.get(name))
        said = [
            html.Span(plus_minus(predicted.mean, predicted.std) if predicted else MISSING),
            html.Span(chance, className="soft", title="Chance that it is within the goal")
            if chance
            else None,
        ]
        measured = next((each.value for each in found), None)
        return [
            html.Span(said, className="value-text"),
            value_bar(windows, predicted, measured, reach),
            *(html.Strong(_measured(answer), className="block") for answer in found),
        ]

    return tell


def _measured(answer: Validated) -> str:
    if answer.value is None:
        return "failed"
    if answer.standard_deviation:
        return f"measured {plus_minus(answer.value, answer.standard_deviation)}"
    return f"measured {three_decimals(answer.value)}"


def _alternatives(campaign: CampaignDetail, candidates: Sequence[CandidateDetail]) -> list[list[Any]]:
    """Tell how likely each criterion of several alternatives holds: that stands with no single property."""
    units = {info.name: info.unit for info in campaign.properties}
    labels = {info.name: info.label for info in campaign.properties}
    rows = []
    for place, goal in enumerate(campaign.document.get("criteria") or []):
        if "any_of" not in goal:
            continue

        def chance(one: CandidateDetail, place: int = place) -> str:
            known = one.explanation.criteria
            return (percent(known[place].chance) or MISSING) if place < len(known) else MISSING

        rows.append(_row(criterion(goal, units, labels), candidates, chance))
    return rows


def _nearest(candidate: CandidateDetail) -> Any:
    if not candidate.explanation.nearest:
        return MISSING
    first = candidate.explanation.nearest[0]
    labels = ", ".join(
        f"{in_sentence(title_of(name))} {three_decimals(value)}" for name, value in first.labels.items()
    )
    return [*formula(first.formula), html.Span(f" at {first.distance:.2f}: {labels}", className="soft")]
