"""A campaign's iterations and hits as tables."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from dash import dcc, html

from dash_app.components.links import material_link
from dash_app.components.tables import remark, table
from dash_app.components.tiles import badge
from dash_app.components.wording import (
    MISSING,
    formula,
    lasting,
    moment,
    number,
    three_decimals,
    took,
    with_unit,
)
from dash_app.contract import CampaignDetail, Iteration
from dash_app.dispatch_contract import Model
from dash_app.progress_contract import EvaluatedMaterial

_MOST_HITS: Final = 200


def iterations_table(campaign: CampaignDetail, models: Mapping[str, Model]) -> html.Div:
    """Show each iteration, the newest first: what it knew, what it found, how long it took, which model ranked.

    Parameters
    ----------
    models
        The registered model of each partition key.
    """
    by_criteria = campaign.hits is not None
    titles = (
        "Iteration",
        "Stage",
        "Opened",
        "Took",
        "Labels",
        "Evaluated",
        "Hits" if by_criteria else "Best",
        "Model",
    )
    rows = [
        _iteration(campaign, each, models.get(each.partition_key)) for each in reversed(campaign.progress)
    ]
    return html.Div(table(titles, rows, "figures iterations"), className="wide-table")


def hits_table(campaign: CampaignDetail, found: list[EvaluatedMaterial], total: int) -> html.Div:
    """List the hits with what was measured, the newest first, each leading to its material."""
    labels = {info.name: info.label for info in campaign.properties}
    shown = found[-_MOST_HITS:][::-1]
    measured = [
        info for info in campaign.properties if any(_measured(each, info.name) is not None for each in shown)
    ]
    titles = ("Material", "Iteration", "Evaluation", *(with_unit(i.name, i.unit, labels) for i in measured))
    rows = [
        [
            html.Th(material_link(each.material_id, formula(each.formula), campaign.name, each.candidate_id), scope="row"),
            html.Td(each.iteration),
            html.Td(f"{each.number:,}"),
            *(html.Td(three_decimals(_measured(each, info.name))) for info in measured),
        ]
        for each in shown
    ]  # fmt: skip
    rest = total - len(shown)
    return html.Div(
        [
            html.Div(table(titles, rows, "figures hits"), className="wide-table"),
            remark(f"And {rest:,} found earlier: the API lists all.") if rest > 0 else None,
        ]
    )


def _measured(evaluated: EvaluatedMaterial, name: str) -> float | None:
    told = evaluated.properties.get(name)
    return None if told is None else told.measured


def _lasted(iteration: Iteration) -> str:
    if iteration.closed_at is None:
        return f"{lasting(iteration.opened_at, datetime.now(UTC))} so far"
    return took((iteration.closed_at - iteration.opened_at).total_seconds())


def _iteration(campaign: CampaignDetail, iteration: Iteration, model: Model | None) -> list[Any]:
    to_candidates = f"/campaigns/{quote(campaign.name)}?iteration={iteration.iteration}"
    named: Any = (
        dcc.Link(iteration.iteration, href=to_candidates, title="Its candidates")
        if iteration.candidates
        else iteration.iteration
    )
    if iteration.hits is not None:
        found = f"{iteration.hits:,} of {iteration.evaluated:,}" if iteration.evaluated else MISSING
    else:
        found = number(iteration.best_so_far, 4)
    return [
        html.Th(named, scope="row"),
        html.Td(badge(iteration.status)),
        html.Td(moment(iteration.opened_at)),
        html.Td(_lasted(iteration)),
        html.Td(f"{iteration.label_count:,}"),
        html.Td(f"{iteration.evaluated:,}"),
        html.Td(found),
        html.Td(_model(iteration, model)),
    ]


def _model(iteration: Iteration, model: Model | None) -> list[Any]:
    if model is None:
        return [MISSING if iteration.model_sha256 is None else "not registered"]
    champion = [" ", html.Span("champion", className="badge badge-validated")] if model.is_champion else []
    link = html.A(
        f"version {model.version}", href=model.address, target="_blank", rel="noreferrer", title="In MLflow"
    )
    return [link, *champion]
