"""All states that a calculation of the validator `adsorption` found, into the table of adsorption energies."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydantic import ValidationError

from catalyst_assets.documents import hash_document
from catalyst_assets.errors import CatalystError
from catalyst_assets.potentials.table import find_potential
from catalyst_assets.surfaces.computed.outcomes import Outcome
from catalyst_assets.surfaces.computed.recipe import is_default
from catalyst_assets.surfaces.computed.storing import Computation, store_outcome
from catalyst_assets.validation.adsorption.answerable import ADSORBATES
from catalyst_assets.validation.adsorption.program import STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resources.platform import Platform

_log = logging.getLogger(__name__)


def keep_states(platform: "Platform", folder: Path) -> None:
    """Store what a calculation left in its folder, if it left anything; the answer does not depend on it."""
    try:
        job = json.loads((folder / "job.json").read_bytes())
        outcome = Outcome.model_validate_json((folder / STATES).read_bytes())
        computation = _computation(platform, job)
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, ValidationError, CatalystError) as error:
        _log.warning("The states of calculation %s are not stored: %s", folder.name[:12], error)
        return
    adsorbates = [ADSORBATES[name] for name in job["properties"] if name in ADSORBATES]
    try:
        store_outcome(
            platform.database, computation, job["material_id"], job["structure_hash"], adsorbates, outcome
        )
    # What the database does not take is the states' own fault, and their run's no more than the answer's.
    except (sa.exc.IntegrityError, sa.exc.DataError) as error:
        _log.warning("The states of calculation %s are not stored: %s", folder.name[:12], error.orig)


def _computation(platform: "Platform", job: "Mapping[str, Any]") -> Computation:
    method = dict(job["method"])
    name = method.pop("name")
    spec = find_potential(name, platform.settings)
    return Computation(name, hash_document(method), spec.terms(), is_default(method, spec))
