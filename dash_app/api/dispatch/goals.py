"""The goal of a campaign as the body of a request: YAML as its file, or the same as JSON."""

from typing import Any, Final

import yaml
from fastapi import Request
from starlette.exceptions import HTTPException

from catalyst_assets.errors import InvalidCampaignError
from dash_app.api.bodies import content_type, parse_json
from dash_app.api.problems import InvalidBodyError, json_pointer
from dash_app.contract import FieldError
from resources.yaml_files import load_yaml

_YAML: Final = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
_EXAMPLE: Final = {
    "name": "wide-gap-oxides",
    "description": "Stable oxides that visible light passes",
    "pool": {"elements": ["O"]},
    "method": "PBE",
    "criteria": [
        {"property": "band_gap_direct", "min": 3.0},
        {"property": "formation_energy_per_atom", "max": -1.0},
    ],
    "validator": "laboratory",
}
GOAL_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": _EXAMPLE},
            **{
                kind: {"schema": {"type": "string"}, "example": yaml.safe_dump(_EXAMPLE, sort_keys=False)}
                for kind in _YAML
            },
        },
    }
}


async def read_goal(request: Request) -> dict[str, Any]:
    """Return the document that a body holds, not yet judged.

    Raises
    ------
    HTTPException
        It is declared as something else.
    InvalidBodyError
        It cannot be read, or holds no fields.
    """
    kind = content_type(request)
    if kind in _YAML:
        document = _read_yaml(await request.body())
    elif kind == "application/json" or kind.endswith("+json"):
        document = parse_json(await request.body())
    else:
        raise HTTPException(
            415,
            f"A campaign is taken as application/yaml or application/json, not as {kind or 'content of no type'} "
            "(`curl -H 'Content-Type: application/yaml' --data-binary @campaign.yaml`).",
        )
    if not isinstance(document, dict):
        held = "nothing" if document is None else type(document).__name__
        raise InvalidBodyError(
            f"The body holds {held}, not the fields of a campaign.", "Send the campaign's file.", []
        )
    return document


def refused_goal(error: InvalidCampaignError) -> InvalidBodyError:
    """Return what is wrong with a campaign as the problem of a body, each field with a pointer into it."""
    errors = [
        FieldError(
            field=field,
            message=message,
            pointer=json_pointer(field.split(".")) if field else "",
            remedy=_remedy(error),
        )
        for field, message in error.problems
    ]
    return InvalidBodyError(error.message, _remedy(error), errors)


def _remedy(error: InvalidCampaignError) -> str:
    return error.remedy.replace("run the command again", "send it again")


def _read_yaml(data: bytes) -> Any:
    try:
        return load_yaml(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidBodyError("The body is not UTF-8.", f"Send it as UTF-8 ({error.reason}).", []) from None
    except ValueError as error:
        raise InvalidBodyError(
            f"The body cannot be read as YAML: {error}.", "Correct it at that place.", []
        ) from None
