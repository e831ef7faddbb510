"""`/campaigns/{name}/iterations/{key}/map`: a pool as a picture, from stored components, predictions and candidates.

Columns of 16-bit numbers: a hundred thousand materials are a few megabytes, which a browser draws as they come.
"""

import base64
import gzip
import hashlib
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray

from catalyst_assets.vocabulary.formulas import formula_of
from catalyst_assets.vocabulary.known import known_properties, label_of, unit_of
from dash_app.api.campaigns import CampaignName
from dash_app.api.connection import Transaction
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.api.rankings import IterationKey, find_recorded
from dash_app.map_contract import MOST_SHOWN, STATUSES, Column, PoolMap, PropertyColumns
from resources.postgres.database import Row, fetch_one

router = APIRouter(prefix="/campaigns", tags=["campaigns"], responses=problem_responses(404, 422, 503))

_STEPS: Final = 65_534
_NO_NUMBER: Final = 65_535
# The numbers are hardly smaller for trying harder.
_GZIP_LEVEL: Final = 1
# As the database writes them, in the order of their codes.
_STORED: Final = list(STATUSES[1:-1])


@router.get(
    "/{name}/iterations/{key}/map",
    summary="Map an iteration's pool",
    response_model=PoolMap,
    responses={304: {"description": "It is as `If-None-Match` says."}},
)
def map_pool(
    name: CampaignName,
    key: IterationKey,
    request: Request,
    connection: Transaction,
    limit: Annotated[
        int, Query(ge=1, le=MOST_SHOWN, description="Most materials; candidates are among them.")
    ] = MOST_SHOWN,
) -> Response:
    """Show where the materials of a pool lie by the first two principal components of their features, as columns.

    Near ones are alike; what the other components say is not shown, so that alike ones may lie near that are not.
    """
    recorded = find_recorded(connection, name, key)
    version, iteration = recorded["prediction_version"], int(recorded["partition_key"].rpartition("__")[2])
    standing = fetch_one(connection, "app/map_standing", version=version) or {}
    columns = fetch_one(
        connection,
        "app/map",
        version=version,
        campaign=name,
        iteration=iteration,
        most=limit,
        statuses=_STORED,
    )
    if columns is None or columns["material_ids"] is None:
        raise NotFoundError(f"Nothing is predicted of the pool of iteration {key!r} of campaign {name}.")
    hits = request.app.state.answers.judged(connection, name)
    answer = _draw(recorded["partition_key"], iteration, standing, columns, hits)
    return _send(answer.model_dump_json().encode(), request)


def _draw(partition_key: str, iteration: int, standing: Row, columns: Row, hits: dict[int, bool]) -> PoolMap:
    n_properties = len(standing["properties"])
    mean, std = (_rows(columns[part], n_properties) for part in ("mean", "std"))
    candidates = _numbers(columns["candidate_ids"], ">i8")
    codes = _numbers(columns["status"], ">i2").astype(np.uint8)
    codes[np.isin(candidates, [number for number, is_hit in hits.items() if is_hit])] = STATUSES.index("hit")
    x = _numbers(columns["x"], ">f4")
    about = {known: it.description for known, it in known_properties().items()}
    return PoolMap(
        partition_key=partition_key,
        iteration=iteration,
        n_pool=columns["n_pool"],
        n_shown=len(candidates),
        n_placed=int(np.isfinite(x).sum()),
        explained=standing["explained_by_two"],
        far=standing["distance_threshold"],
        x=_column(x),
        y=_column(_numbers(columns["y"], ">f4")),
        material_ids=columns["material_ids"],
        formulas=list(map(formula_of, columns["material_ids"], columns["formulas"])),
        candidate_ids=_text(candidates.astype("<f8")),
        statuses=list(STATUSES),
        status=_text(codes),
        score=_column(_numbers(columns["acquisition"], ">f8")),
        feasibility=_column(_numbers(columns["feasibility"], ">f8")),
        distance=_column(_numbers(columns["distance"], ">f8")),
        properties=[
            PropertyColumns(
                name=each,
                label=label_of(each),
                unit=unit_of(each),
                description=about.get(each, ""),
                mean=_column(mean[:, place]),
                std=_column(std[:, place]),
            )
            for place, each in enumerate(standing["properties"])
        ],
    )


def _numbers(data: Any, kind: str) -> NDArray[Any]:
    return np.frombuffer(data, kind)


def _rows(data: Any, n: int) -> NDArray[np.float64]:
    """Return arrays of PostgreSQL, each behind its head and each number behind its length; shape (m, n)."""
    element = np.dtype([("bytes", ">i4"), ("value", ">f8")])
    rows = np.frombuffer(data, np.dtype([("head", "V20"), ("elements", element, (n,))]))
    return np.asarray(rows["elements"]["value"], dtype=np.float64)


def _column(values: NDArray[Any]) -> Column:
    known = np.isfinite(values)
    if not known.any():
        return Column(low=0.0, high=0.0, data=_text(np.full(len(values), _NO_NUMBER, dtype="<u2")))
    low, high = float(values[known].min()), float(values[known].max())
    steps = np.full(len(values), _NO_NUMBER, dtype="<u2")
    steps[known] = np.rint((values[known] - low) / ((high - low) or 1.0) * _STEPS)
    return Column(low=low, high=high, data=_text(steps))


def _text(numbers: NDArray[Any]) -> str:
    return base64.b64encode(numbers.tobytes()).decode()


def _send(body: bytes, request: Request) -> Response:
    """Answer with a body, or that it is known; small for those who can unpack it."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers = gzip.compress(body, _GZIP_LEVEL), headers | {"Content-Encoding": "gzip"}
    return Response(body, media_type="application/json", headers=headers)
