"""Why a candidate: its chances by criterion and what is known near it, as the API answers them."""

import math
from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from catalyst_assets.acquisition.explanation import CriterionChance, explain
from catalyst_assets.vocabulary.known import unit_of
from dash_app.api.discovery import parse_document
from dash_app.contract import Alternative, BoundChance, Criterion, Explanation, NearestLabelled
from resources.postgres.database import Row, fetch_all, fetch_one


def explain_candidate(connection: sa.Connection, candidate_id: int) -> Explanation:
    """Explain a candidate from the draws it was ranked by and the labels of its iteration."""
    known = fetch_all(connection, "app/nearest_labelled", candidate_id=candidate_id)
    nearest = [NearestLabelled(**row) for row in known]
    stored = fetch_one(connection, "app/candidate_draws", candidate_id=candidate_id)
    draws = None if stored is None else stack_draws([stored], stored)
    campaign = None if stored is None else parse_document(stored["document"])
    if stored is None or draws is None or campaign is None:
        return Explanation(criteria=[], decisive=None, nearest=nearest)
    found = explain(campaign, draws[0], np.asarray(stored["std"]), stored["properties"])
    criteria = [_criterion(each) for each in found.criteria]
    return Explanation(criteria=criteria, decisive=found.decisive, nearest=nearest)


def stack_draws(rows: Sequence[Row], version: Row) -> np.ndarray | None:
    """Return draws of shape (m, k, p) of m rows; None where they are not as many as their version says."""
    shape = (len(rows), version["n_draws"], len(version["properties"]))
    values = np.frombuffer(b"".join(bytes(row["draws"]) for row in rows), dtype="<f4")
    return values.reshape(shape) if values.size == math.prod(shape) else None


def _criterion(criterion: CriterionChance) -> Criterion:
    alternatives = [
        Alternative(
            chance=chance,
            bounds=[BoundChance(**vars(bound), unit=unit_of(bound.property)) for bound in branch],
        )
        for branch, chance in zip(criterion.branches, criterion.branch_chances, strict=True)
    ]
    return Criterion(chance=criterion.chance, alternatives=alternatives)
