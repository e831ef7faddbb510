"""`/campaign-choices` and `/campaign-preview`: what a campaign may be made of, and what one would mean. Nothing is stored."""

from typing import Annotated, Any, Final

import sqlalchemy as sa
import yaml
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ValidationError

from catalyst_assets.campaigns.model import Bound, Campaign, Strategy
from catalyst_assets.campaigns.pool_filter import Pool
from catalyst_assets.errors import InvalidCampaignError, UsageError
from catalyst_assets.validation.registry import check_goal, why_unavailable
from catalyst_assets.vocabulary.known import known_methods, known_properties, label_of
from catalyst_assets.vocabulary.validators import VALIDATORS
from dash_app.api.connection import Transaction
from dash_app.api.dispatch.goals import GOAL_BODY, read_goal, refused_goal
from dash_app.api.dispatch.pools import MOST_LOOKED_AT, MOST_MILLISECONDS, Previews
from dash_app.api.problems import InvalidBodyError, problem_responses
from dash_app.contract import FieldError
from dash_app.goal_contract import (
    GoalChoices,
    GoalPreview,
    MethodChoice,
    PoolPreview,
    PropertyChoice,
    SourceChoice,
    StrategyChoice,
    ValidatorChoice,
)
from resources.postgres.database import execute, fetch_all, fetch_one

router = APIRouter(tags=["campaigns"], responses=problem_responses(422, 503))

# What a goal needs besides to be judged, where it is not chosen yet.
_STAND_IN: Final = {"name": "preview", "validator": "laboratory"}
_Read = dict[str, Any] | InvalidBodyError
_JUDGED: Final = ("pool", "criteria", "objective", "method", "derive")
_WITHOUT_CRITERIA: Final = Strategy.CONSTRAINED_EXPECTED_IMPROVEMENT
_WITHOUT_OBJECTIVE: Final = Strategy.PROBABILITY_OF_FEASIBILITY


async def _read_as_far_as_it_goes(request: Request) -> _Read:
    """Return a body, or why nobody can read it: who types is not done yet."""
    try:
        return await read_goal(request)
    except InvalidBodyError as error:
        return error


@router.get("/campaign-choices", summary="Say what a campaign may be made of")
def list_choices(request: Request, connection: Transaction) -> GoalChoices:
    """Name sources, properties and methods of which anything is known, validators and strategies of this installation."""
    previews: Previews = request.app.state.previews
    sources, methods = previews.kept("choices", lambda: _read_choices(connection))
    return GoalChoices(
        sources=sources,
        properties=[
            PropertyChoice(
                name=name,
                label=label_of(name),
                unit=known.unit,
                description=known.description,
                low=known.range_json[0],
                high=known.range_json[1],
                methods=methods.get(name, []),
            )
            for name, known in known_properties().items()
        ],
        methods=[
            MethodChoice(name=name, description=known.description) for name, known in known_methods().items()
        ],
        validators=[
            ValidatorChoice(
                name=spec.name,
                label=spec.label,
                description=spec.description,
                unavailable=why_unavailable(spec.name, request.app.state.platform),
            )
            for spec in VALIDATORS.values()
        ],
        strategies=[
            StrategyChoice(
                name=each,
                explores=each.explores,
                sees_criteria=each is not _WITHOUT_CRITERIA,
                sees_objective=each is not _WITHOUT_OBJECTIVE,
            )
            for each in Strategy
        ],
    )


@router.post(
    "/campaign-preview",
    summary="Say what a campaign would be",
    responses=problem_responses(413, 415),
    openapi_extra=GOAL_BODY,
)
def preview_campaign(
    request: Request, connection: Transaction, read: Annotated[_Read, Depends(_read_as_far_as_it_goes)]
) -> GoalPreview:
    """Read a campaign that may be half written: each field that is wrong, its file, the size of its pool, known hits.

    Hits are counted among materials whose values are known: from sources that may be learned from, and from results. A
    pool of more than 20,000 is judged by a sample of as many. Whether the installation can run it, `POST
    /campaigns?dry_run=true` says.
    """
    if isinstance(read, InvalidBodyError):
        return GoalPreview(
            document={}, yaml="", unreadable=read.message, is_valid=False, errors=[], exists="", pool=None
        )
    document = read
    errors = _errors_of(document)
    name = document.get("name")
    known = fetch_one(connection, "campaigns/one", name=name) if _is_text(name) else None
    return GoalPreview(
        document=document,
        unreadable="",
        yaml=yaml.safe_dump(
            _in_order(document), sort_keys=False, allow_unicode=True, default_flow_style=None, width=100
        ),
        is_valid=not errors,
        errors=errors,
        exists=known["status"] if known else "",
        pool=_look(connection, request.app.state.previews, document),
    )


def _errors_of(document: dict[str, Any]) -> list[FieldError]:
    try:
        check_goal(document, "in the body")
    except InvalidCampaignError as error:
        return refused_goal(error).errors
    except UsageError as error:  # its validator does not answer such a goal
        return [FieldError(field="validator", message=error.message, remedy=error.remedy)]
    return []


def _read_choices(connection: sa.Connection) -> tuple[list[SourceChoice], dict[str, list[str]]]:
    execute(connection, "app/limit_statements", milliseconds=MOST_MILLISECONDS)
    sources = [SourceChoice.model_validate(row) for row in fetch_all(connection, "app/goal_sources")]
    methods: dict[str, list[str]] = {}
    for row in fetch_all(connection, "app/goal_methods", most=MOST_LOOKED_AT):
        methods.setdefault(row["property"], []).append(row["method"])
    return sources, methods


def _look(connection: sa.Connection, previews: Previews, document: dict[str, Any]) -> PoolPreview | None:
    try:
        pool = Pool.model_validate(document.get("pool") or {})
    except ValidationError:
        return None
    try:
        campaign = Campaign.model_validate(
            _STAND_IN | _strategy_for(document) | {k: v for k, v in document.items() if k in _JUDGED}
        )
    except ValidationError:
        campaign = None
    return previews.look(connection, pool, campaign)


def _strategy_for(document: dict[str, Any]) -> dict[str, Any]:
    """Return a strategy that suits any goal: which one does not matter for what is a hit."""
    return {"acquisition": {"strategy": Strategy.RANDOM}} if document.get("objective") else {}


def _in_order(document: dict[str, Any]) -> dict[str, Any]:
    """Return the fields in the order in which files have them; those that are not known come last."""
    ordered = _ordered(document, Campaign)
    if isinstance(ordered.get("criteria"), list):
        rows = [_ordered(each, Bound) if isinstance(each, dict) else each for each in ordered["criteria"]]
        ordered["criteria"] = rows
    return ordered


def _ordered(values: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    return {name: values[name] for name in model.model_fields if name in values} | values


def _is_text(name: Any) -> bool:
    return isinstance(name, str) and "\x00" not in name
