"""`/campaigns`: which goals run, how far each is, iteration by iteration."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Path, Request

from catalyst_assets.campaigns.evaluations import Evaluation
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.vocabulary.known import known_properties, label_of, unit_of
from dash_app.api.connection import Transaction
from dash_app.api.discovery import Discovery, evaluations_of, parse_document, sum_up
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

if TYPE_CHECKING:
    from dash_app.api.standing import Standings

router = APIRouter(prefix="/campaigns", tags=["campaigns"], responses=problem_responses(503))

waits = APIRouter(tags=["campaigns"], responses=problem_responses(503))

CampaignName = Annotated[str, Path(description="The campaign's name.")]


@router.get("", summary="List campaigns")
def list_campaigns(request: Request, connection: Transaction) -> CampaignList:
    """Every campaign that has run, the newest first."""
    standings: Standings = request.app.state.standings
    rows = fetch_all(connection, "app/campaigns", name=None)
    found = standings.of(connection, rows)
    waiting = {row["campaign"]: Waiting.model_validate(row) for row in fetch_all(connection, "app/waits")}
    items = [_summary(row, found[row["name"]], waiting.get(row["name"])) for row in rows]
    return CampaignList(items=items, total=len(items))


@router.get("/{name}", summary="Show a campaign", responses=problem_responses(404, 422))
def show_campaign(name: CampaignName, connection: Transaction) -> CampaignDetail:
    """Goal, counts, and what each iteration evaluated and found."""
    # Before anything else is read: of what changes meanwhile the follower is told.
    changes = fetch_one(connection, "app/door/changes_kept") or {"newest": 0}
    loaded = load_campaign(connection, name)
    found = sum_up(loaded.campaign, loaded.evaluations)
    return CampaignDetail(
        **_summary(loaded.row, found, _waiting(connection, name)).model_dump(),
        document=loaded.row["document"],
        sha256=loaded.row["sha256"],
        properties=_properties(connection, loaded),
        progress=_progress(connection, loaded),
        notices=[
            Notice.model_validate(row)
            for row in fetch_all(connection, "loop/notices/standing", campaign=name)
        ],
        last_event=changes["newest"],
    )


@router.get(
    "/{name}/iterations", summary="List a campaign's iterations", responses=problem_responses(404, 422)
)
def list_iterations(name: CampaignName, connection: Transaction) -> IterationList:
    """Every iteration in order, with its ranking's strategy, its counts and its metrics."""
    items = _progress(connection, load_campaign(connection, name))
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
class Loaded:
    """A campaign's row, its goal where this version can read it, and its evaluations."""

    row: Row
    campaign: Campaign | None
    evaluations: list[Evaluation]


def load_campaign(connection: sa.Connection, name: str) -> Loaded:
    """Return a campaign with what it evaluated.

    Raises
    ------
    NotFoundError
        No campaign of that name has run.
    """
    row = _find(connection, name)
    campaign = parse_document(row["document"])
    return Loaded(row, campaign, evaluations_of(connection, name, campaign))


def _summary(row: Row, found: Discovery, waiting: Waiting | None) -> CampaignSummary:
    stop = row["document"].get("stop") or {}
    return CampaignSummary(
        **row,
        evaluated=found.evaluated,
        hits=found.hits,
        best=found.best,
        max_evaluations=stop.get("max_evaluations"),
        target_hits=stop.get("target_hits"),
        waiting=waiting,
    )


def _properties(connection: sa.Connection, loaded: Loaded) -> list[PropertyInfo]:
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


def _progress(connection: sa.Connection, loaded: Loaded) -> list[Iteration]:
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
