"""The grid of candidates: columns from a campaign's properties, rows as the browser asks for them."""

from typing import Any, Final

import dash_ag_grid as dag

from catalyst_assets.constants import decimals
from dash_app.components.wording import (
    DISTANCE_EXPLAINED,
    FAR_EXPLAINED,
    percent,
    plus_minus,
    stale_explained,
    with_unit,
)
from dash_app.contract import CampaignDetail, Candidate, PropertyInfo

GRID_ID: Final = "candidates"
_BLOCK: Final = 200


def candidate_grid(campaign: CampaignDetail) -> dag.AgGrid:
    """Lay out the grid; it fetches blocks of rows through ``getRowsRequest``."""
    return dag.AgGrid(
        id=GRID_ID,
        rowModelType="infinite",
        columnDefs=_columns(campaign),
        defaultColDef={"resizable": True, "sortable": True, "minWidth": 80, "suppressMovable": True},
        getRowId="params.data.id",
        className="ag-theme-quartz",
        dashGridOptions={
            "rowSelection": {
                "mode": "multiRow",
                "checkboxes": True,
                "headerCheckbox": False,
                "enableClickSelection": False,
            },
            "selectionColumnDef": {"pinned": "left", "width": 46, "suppressHeaderMenuButton": True},
            "cacheBlockSize": _BLOCK,
            "maxBlocksInCache": 20,
            # Dash carries one open request a grid: a second one would lose the first.
            "maxConcurrentDatasourceRequests": 1,
            "blockLoadDebounceMillis": 80,
            "infiniteInitialRowCount": 1,
            "tooltipShowDelay": 300,
            "rowHeight": 40,
            "headerHeight": 36,
            "groupHeaderHeight": 34,
            "suppressCellFocus": False,
            "suppressMultiSort": True,
        },
        style={"height": "36rem", "width": "100%"},
    )


def grid_row(candidate: Candidate, method: str) -> dict[str, Any]:
    """Return a candidate as the grid shows it; answers of other methods stay in its details."""
    row: dict[str, Any] = {
        "id": str(candidate.candidate_id),
        "rank": candidate.rank,
        "iteration": candidate.iteration,
        "formula": candidate.formula,
        "label": f"{candidate.formula} · {candidate.material_id}",
        "status": candidate.status.value,
        "kind": None if candidate.rejection_kind is None else candidate.rejection_kind.value,
        "stale": stale_explained(candidate),
        "hit": candidate.hit,
        "feasibility": percent(candidate.feasibility),
        "acquisition": f"{candidate.acquisition:#.4g}",
        "distance": None if candidate.distance is None else f"{candidate.distance:.2f}",
        "far": FAR_EXPLAINED if candidate.out_of_distribution else None,
        "predicted": {},
        "validated": {},
    }
    for name, predicted in candidate.predicted.items():
        row["predicted"][name] = plus_minus(predicted.mean, predicted.std)
    for answer in candidate.validated:
        if answer.method == method:
            row["validated"][answer.property] = "failed" if answer.value is None else decimals(answer.value)
    return row


def sort_order(request: dict[str, Any]) -> str:
    """Translate the grid's sort model to the API's ``sort``."""
    model = request.get("sortModel") or []
    if not model:
        return "rank"
    return f"{'-' if model[0]['sort'] == 'desc' else ''}{model[0]['colId']}"


def _columns(campaign: CampaignDetail) -> list[dict[str, Any]]:
    largest_first = {"sortingOrder": ["desc", "asc", None]}
    chance = "Predicted chance that every criterion holds"
    score = "What the strategy scored: larger is asked sooner"
    columns = [
        _figure("rank", "Rank", 84, pinned="left"),
        _column("formula", "Formula", 150, pinned="left", tooltipField="label", cellRenderer="Formula"),
        _column("status", "Status", 214, cellRenderer="StatusBadge"),
    ]
    if campaign.hits is not None:
        columns.append(_figure("feasibility", "Feasibility", 116, headerTooltip=chance, **largest_first))
    return [
        *columns,
        _figure("acquisition", "Acquisition", 122, headerTooltip=score, **largest_first),
        _figure(
            "distance",
            "Distance",
            130,
            headerTooltip=DISTANCE_EXPLAINED,
            sortable=False,
            cellRenderer="Distance",
        ),
        *(_property_columns(info) for info in campaign.properties),
        _figure("iteration", "Iteration", 106),
    ]


def _property_columns(info: PropertyInfo) -> dict[str, Any]:
    title = with_unit(info.name, info.unit, {info.name: info.label})
    answered = ["ag-right-aligned-cell", "validated-value"]
    columns = [
        _figure(f"predicted.{info.name}", "Predicted", max(142, 9 * len(title) - 80)),
        _figure(f"validated.{info.name}", "Validated", 112, cellClass=answered),
    ]
    return {"headerName": title, "headerTooltip": info.description, "children": columns}


def _figure(field: str, title: str, width: int, **options: Any) -> dict[str, Any]:
    return _column(field, title, width, type="rightAligned", **options)


def _column(field: str, title: str, width: int, **options: Any) -> dict[str, Any]:
    return {"field": field, "headerName": title, "width": width, **options}
