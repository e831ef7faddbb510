"""A laboratory's campaign with an API that it may write to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import api_client
from resources.postgres.database import Database
from resources.settings import Settings

MATERIALS = ["p:SrTiO3", "p:PbTiO3", "p:AlLaO3"]


@dataclass
class Laboratory:
    """Sends results by a token of its own.

    Attributes
    ----------
    candidates
        Numbers of the flagged candidates of iteration 0, as `MATERIALS`.
    """

    database: Database
    api: httpx.Client
    campaign: ReviewedCampaign
    candidates: list[int]

    def send(self, *rows: dict[str, Any], **query: Any) -> httpx.Response:
        """Send rows: one as an object, several as a list."""
        content = json.dumps(rows[0] if len(rows) == 1 else rows)
        headers = {"Content-Type": "application/json"}
        return self.api.post("/results", content=content, params=query, headers=headers)

    def gap(self, place: int = 0, value: float | None = 1.5, **more: Any) -> dict[str, Any]:
        """A measured gap of the candidate in a place."""
        row = {
            "candidate": self.candidates[place],
            "property": "band_gap_direct",
            "value": value,
            "unit": "eV",
            "method": "PBE",
        }
        return {name: given for name, given in (row | more).items() if given is not None}

    def energy(self, place: int = 0, value: float = -2.5, **more: Any) -> dict[str, Any]:
        """A measured formation energy likewise."""
        return self.gap(place, value) | {
            "property": "formation_energy_per_atom",
            "unit": "eV/atom",
            **more,
        }

    def look(self) -> None:
        """Examine and settle, as the run of `validation_results` does."""
        validate_iteration(self.database, self.campaign.key(0), None)

    def status(self, place: int = 0) -> str:
        """Where the candidate in a place stands."""
        return str(self.api.get(f"/candidates/{self.candidates[place]}").json()["status"])


@contextmanager
def laboratory(database: Database, settings: Settings) -> Iterator[Laboratory]:
    """Open a campaign that a laboratory validates, and the API for it."""
    campaign = ReviewedCampaign(database)
    campaign.document = campaign.document | {"validator": "laboratory"}
    candidates = campaign.start().rank(0, MATERIALS)
    for candidate in candidates:
        campaign.move(candidate, "flagged", actor="Ada Lovelace")
    with api_client(database, settings, "Lab A", "results") as api:
        yield Laboratory(database, api, campaign, candidates)
