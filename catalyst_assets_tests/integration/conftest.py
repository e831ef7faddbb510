"""A campaign under review and the API that decisions about it go through."""

from collections.abc import Iterator

import httpx
import pytest

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import api_client
from resources.postgres.database import Database


@pytest.fixture
def api(database: Database) -> Iterator[httpx.Client]:
    """A client of the API, served with the role of the app alone."""
    with api_client(database) as client:
        yield client


@pytest.fixture
def campaign(database: Database) -> ReviewedCampaign:
    """A campaign that was started and has no iteration yet."""
    return ReviewedCampaign(database).start()
