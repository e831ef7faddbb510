"""`/campaigns`: which goals run, how far each is, iteration by iteration."""

from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Path

from catalyst_assets.campaigns.evaluations import Evaluation, load_evaluations, read_evaluations
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.vocabulary.known import known_properties, label_of, unit_of
from dash_app.api.connection import Transaction
from dash_app.api.discovery import parse_document, sum_up
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.api.superseded import superseded_in
from dash_app.contract import (
    CampaignDetail,
    CampaignList,
    CampaignSummary,
    Iteration,
    IterationList,
    Notice,
    PropertyInfo,
    Waiting,
)
from dash_app.dispatch_contract import CampaignWait, WaitList
from resources.postgres.database import Row, fetch_all, fetch_one

router = APIRouter(prefix="/campaigns", tags=["campaigns"], responses=problem_responses(503))

waits = APIRouter(tags=["campaigns"], responses=problem_responses(503))

CampaignName = Annotated[str, Path(description="The campaign's name.")]


@router.get("", summary="List campaigns")
def list_campaigns(connection: Transaction) -> CampaignList:
    """Every campaign that has run, the newest first."""
    items = [_summary(_load(connection, row)) for row in fetch_all(connection, "app/campaigns", name=None)]
    return CampaignList(items=items, total=len(items))


@router.get("/{name}", summary="Show a campaign", responses=problem_responses(404, 422))
def show_campaign(name: CampaignName, connection: Transaction) -> CampaignDetail:
    """Goal, counts, and what each iteration evaluated and found."""
    loaded = _load(connection, _find(connection, name))
    return CampaignDetail(
        **_summary(loaded).model_dump(),
        document=loaded.row["document"],
        sha256=loaded.row["sha256"],
        properties=_properties(connection, loaded),
        progress=_progress(connection, loaded),
        waiting=_waiting(connection, name),
        notices=[
            Notice.model_validate(row)
            for row in fetch_all(connection, "loop/notices/standing", campaign=name)
        ],
    )


@router.get(
    "/{name}/iterations", summary="List a campaign's iterations", responses=problem_responses(404, 422)
)
def list_iterations(name: CampaignName, connection: Transaction) -> IterationList:
    """Every iteration in order, with its ranking's strategy, its counts and its metrics."""
    items = _progress(connection, _load(connection, _find(connection, name)))
    return IterationList(items=items, total=len(items))


@waits.get("/waits", summary="List what campaigns wait for")
def list_waits(connection: Transaction) -> WaitList:
    """Say of every campaign that waits for something why, and what a person can do; the longest first."""
    items = [CampaignWait.model_validate(row) for row in fetch_all(connection, "app/waits")]
    return WaitList(items=items, total=len(items))


def find_document(connection: sa.Connection, name: str) -> dict[str, Any]:
    """Return the goal of a campaign as it was stored.

    Raises
    ------
    NotFoundError
        No campaign of that name has run.
    """
    return dict(_find(connection, name, "app/campaign_document")["document"])


def _waiting(connection: sa.Connection, name: str) -> Waiting | None:
    row = fetch_one(connection, "app/wait", name=name)
    return None if row is None else Waiting.model_validate(row)


def _find(connection: sa.Connection, name: str, query: str = "app/campaigns") -> Row:
    # PostgreSQL's text cannot hold a zero, so nothing has that name.
    row = None if "\x00" in name else fetch_one(connection, query, name=name)
    if row is None:
        raise NotFoundError(f"There is no campaign {name!r}.")
    return row


@dataclass(frozen=True)
class _Loaded:
    """A campaign's row, its goal where this version can read it, and its evaluations."""

    row: Row
    campaign: Campaign | None
    evaluations: list[Evaluation]


def _load(connection: sa.Connection, row: Row) -> _Loaded:
    campaign = parse_document(row["document"])
    if campaign is None:
        return _Loaded(row, None, read_evaluations(connection, row["name"]))
    return _Loaded(row, campaign, load_evaluations(connection, campaign))


def _summary(loaded: _Loaded) -> CampaignSummary:
    found = sum_up(loaded.campaign, loaded.evaluations)
    return CampaignSummary(**loaded.row, evaluated=found.evaluated, hits=found.hits, best=found.best)


def _properties(connection: sa.Connection, loaded: _Loaded) -> list[PropertyInfo]:
    units = {
        name: unit_of(name) for name in (loaded.campaign.predicted_properties if loaded.campaign else ())
    }
    predicted = fetch_all(connection, "app/predicted_properties", campaign=loaded.row["name"])
    units |= {row["name"]: row["unit"] or "" for row in predicted}
    about = {name: known.description for name, known in known_properties().items()}
    return [
        PropertyInfo(name=name, label=label_of(name), unit=unit, description=about.get(name, ""))
        for name, unit in units.items()
    ]


def _progress(connection: sa.Connection, loaded: _Loaded) -> list[Iteration]:
    iterations = []
    superseded = superseded_in(connection, loaded.row["name"])
    for row in fetch_all(connection, "app/iterations", campaign=loaded.row["name"]):
        done = [one for one in loaded.evaluations if one.iteration <= row["iteration"]]
        here = sum_up(loaded.campaign, [one for one in done if one.iteration == row["iteration"]])
        so_far = sum_up(loaded.campaign, done)
        iterations.append(
            Iteration(
                **row,
                evaluated=here.evaluated,
                hits=here.hits,
                evaluated_so_far=so_far.evaluated,
                hits_so_far=so_far.hits,
                best_so_far=so_far.best,
                superseded=superseded.get(row["partition_key"], []),
            )
        )
    return iterations
