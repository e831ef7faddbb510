"""Candidates side by side: what was said of each, a row a question."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dash import html

from catalyst_assets.constants import title_of
from dash_app.components.tables import table
from dash_app.components.tiles import badge
from dash_app.components.wording import (
    MISSING,
    criterion,
    formula,
    number,
    percent,
    plus_minus,
    score,
    with_unit,
)
from dash_app.contract import CampaignDetail, CandidateDetail, Validated


def comparison(campaign: CampaignDetail, candidates: Sequence[CandidateDetail]) -> html.Table:
    """Lay out two or more candidates of a campaign, a column each."""
    method = campaign.document.get("method", "")
    rows: list[list[Any]] = [
        _row("Status", candidates, lambda one: badge(one.status.value, one.rejection_kind or "")),
        _row("Rank", candidates, lambda one: f"{one.rank:,} in iteration {one.iteration}"),
        _row("Chance of a hit", candidates, lambda one: percent(one.feasibility) or MISSING),
        _row("Score", candidates, lambda one: score(one.acquisition)),
    ]
    for info in campaign.properties:
        tell = partial(_values, name=info.name, method=method)
        rows.append(_row(with_unit(info.name, info.unit, {info.name: info.label}), candidates, tell))
    rows += _chances(campaign, candidates)
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
        html.Th(formula(one.formula), scope="col", title=one.material_id) for one in candidates
    ]
    shown = table((), rows, "figures compared")
    return html.Table([html.Thead(html.Tr(heads)), shown.children], className="figures compared")


def _row(
    title: str, candidates: Sequence[CandidateDetail], tell: Callable[[CandidateDetail], Any]
) -> list[html.Th | html.Td]:
    return [html.Th(title, scope="row"), *(html.Td(tell(one)) for one in candidates)]


def _values(candidate: CandidateDetail, name: str, method: str) -> list[Any]:
    predicted = candidate.predicted.get(name)
    said: list[Any] = [plus_minus(predicted.mean, predicted.std) if predicted else MISSING]
    answers = [each for each in candidate.validated if (each.property, each.method) == (name, method)]
    return [*said, *(html.Strong(_measured(answer), className="block") for answer in answers)]


def _measured(answer: Validated) -> str:
    if answer.value is None:
        return "failed"
    if answer.standard_deviation:
        return f"measured {plus_minus(answer.value, answer.standard_deviation)}"
    return f"measured {score(answer.value)}"


def _chances(campaign: CampaignDetail, candidates: Sequence[CandidateDetail]) -> list[list[Any]]:
    units = {info.name: info.unit for info in campaign.properties}
    labels = {info.name: info.label for info in campaign.properties}
    rows = []
    for place, goal in enumerate(campaign.document.get("criteria") or []):

        def chance(one: CandidateDetail, place: int = place) -> str:
            known = one.explanation.criteria
            return (percent(known[place].chance) or MISSING) if place < len(known) else MISSING

        rows.append(_row(criterion(goal, units, labels), candidates, chance))
    return rows


def _nearest(candidate: CandidateDetail) -> Any:
    if not candidate.explanation.nearest:
        return MISSING
    first = candidate.explanation.nearest[0]
    labels = "; ".join(f"{title_of(name)} {number(value)}" for name, value in first.labels.items())
    return [*formula(first.formula), html.Span(f" at {first.distance:.2f}: {labels}", className="soft")]
