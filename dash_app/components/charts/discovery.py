"""The discovery chart: what a campaign found for what it spent, beside random and perfect choice."""

from typing import Any

from catalyst_assets.constants import in_sentence
from dash_app.components.charts.frame import (
    BAND,
    BLUE,
    GREEN,
    GREY,
    Figure,
    Trace,
    empty_figure,
    figure,
    line,
    marks,
)
from dash_app.components.wording import count, number, with_unit
from dash_app.contract import CampaignDetail, Iteration
from dash_app.progress_contract import Discovery

_FEW_HITS = 6


def discovery_figure(campaign: CampaignDetail, found: Discovery) -> Figure:
    """Draw hits, or the objective's best value, after each evaluation."""
    if not found.iterations:
        return empty_figure("Nothing is evaluated yet")
    return _best_figure(campaign, found) if found.best else _hits_figure(campaign, found)


def discovery_remark(found: Discovery) -> str:
    """Say on what the band rests, and how the campaign stands beside it."""
    chance = found.random
    said = chance.explanation
    if chance.mean and found.hits and chance.mean[-1] > 0:
        by_chance, hits = number(chance.mean[-1], 2), found.hits[-1]
        said += (
            f" By now random choice has {by_chance} on average, this campaign {hits:,}: "
            f"{number(hits / chance.mean[-1], 2)} times as many."
            if hits
            else f" By now random choice would have found {by_chance} on average; this campaign none yet."
        )
    if chance.hits_in_pool is None and found.hits:
        said += " Without the hits of the pool there is no line of perfect choice."
    return said


def _hits_figure(campaign: CampaignDetail, found: Discovery) -> Figure:
    done, chance = len(found.hits), found.random
    traces: list[Trace] = []
    if chance.evaluated:
        traces += [
            line(chance.evaluated, chance.low, "", GREY, width=0, shape="hv"),
            line(
                chance.evaluated, chance.high, "Random choice, 95 of 100", GREY, width=0, shape="hv", fill="tonexty",
                fillcolor=BAND, legendrank=4,
            ),
            line(
                chance.evaluated, chance.mean, "Random choice, mean", GREY, width=1.5, legendrank=3,
                hover="%{x} evaluated by random choice<br>%{y:.1f} hits on average",
            ),
        ]  # fmt: skip
    if chance.hits_in_pool is not None:
        most = min(done, chance.hits_in_pool)
        traces.append(
            line(
                [0, most, done], [0, most, most], f"Perfect choice: all {chance.hits_in_pool:,}", GREEN, dash="dash",
                legendrank=2,
            )
        )  # fmt: skip
    course = [0, *found.hits]
    traces.append(
        line([*range(done + 1)], course, "This campaign", BLUE, width=2.5, shape="hv", legendrank=1)
    )
    traces.append(_ends(campaign.progress, lambda each: each.hits_so_far))
    few = {"dtick": 1} if max(found.hits[-1], chance.hits_in_pool or 0) <= _FEW_HITS else {}
    top = max(found.hits[-1], min(done, chance.hits_in_pool or 0), *(chance.high or [0]), 1)
    return figure(
        traces,
        "Materials evaluated",
        "Hits found",
        has_legend=True,
        xaxis={"range": [0, done * 1.02]},
        yaxis={"range": [0, top * 1.08], "tickformat": "d", **few},
        uirevision=campaign.name,
    )


def _best_figure(campaign: CampaignDetail, found: Discovery) -> Figure:
    places = [*range(1, len(found.best) + 1)]
    objective = campaign.document["objective"]["property"]
    known = {info.name: info for info in campaign.properties}
    info = known.get(objective)
    title = with_unit(objective, info.unit if info else "", {objective: info.label} if info else {})
    return figure(
        [
            line(places, found.best, "", BLUE, width=2.5, shape="hv"),
            _ends(campaign.progress, lambda each: each.best_so_far),
        ],
        "Materials evaluated",
        f"Best {in_sentence(title)}",
        xaxis={"range": [0, len(places) * 1.02]},
        uirevision=campaign.name,
    )


def _ends(iterations: list[Iteration], value: Any) -> Trace:
    """Mark where iterations ended."""
    reached = [each for each in iterations if each.evaluated and value(each) is not None]
    texts = [
        f"Iteration {each.iteration}<br>{each.evaluated:,} evaluated"
        + ("" if each.hits is None else f", {count(each.hits, 'hit')}")
        for each in reached
    ]
    return marks(
        [each.evaluated_so_far for each in reached],
        [value(each) for each in reached],
        "",
        BLUE,
        "%{customdata}",
        customdata=texts,
    )
