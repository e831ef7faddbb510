"""The grid of candidates: its columns, from a campaign's properties. Rows come from the API, which the browser asks."""

from typing import Any, Final

import dash_ag_grid as dag

from dash_app.components.candidates.about import windows_of
from dash_app.components.wording import DISTANCE_EXPLAINED, goal_in_short, in_words, with_unit
from dash_app.contract import CampaignDetail, PropertyInfo

GRID_ID: Final = "candidates"
_BLOCK: Final = 100
_SELECTION: Final = {
    "mode": "multiRow",
    "checkboxes": True,
    "headerCheckbox": False,
    "enableClickSelection": False,
}


def candidate_grid(campaign: CampaignDetail) -> dag.AgGrid:
    """Lay out the grid, which `assets/review_grid.js` gives its rows."""
    return dag.AgGrid(
        id=GRID_ID,
        rowModelType="infinite",
        columnDefs=_columns(campaign),
        defaultColDef={"resizable": True, "sortable": True, "minWidth": 70, "suppressMovable": True},
        getRowId="params.data.id",
        className="ag-theme-quartz",
        dashGridOptions={
            "rowSelection": _SELECTION,
            "selectionColumnDef": {"pinned": "left", "width": 44, "suppressHeaderMenuButton": True},
            "cacheBlockSize": _BLOCK,
            "maxBlocksInCache": 30,
            "maxConcurrentDatasourceRequests": 2,
            "blockLoadDebounceMillis": 60,
            "infiniteInitialRowCount": 30,
            "tooltipShowDelay": 300,
            "rowHeight": 38,
            "headerHeight": 48,
            "rowBuffer": 8,
            "suppressMultiSort": True,
            "suppressNoRowsOverlay": True,
            "suppressCellFocus": False,
            "ensureDomOrder": True,
        },
        style={"height": "100%", "width": "100%"},
    )


def _columns(campaign: CampaignDetail) -> list[dict[str, Any]]:
    largest_first = {"sortingOrder": ["desc", "asc", None]}
    columns = [
        _column(
            "rank",
            "Rank",
            70,
            pinned="left",
            type="rightAligned",
            cellRenderer="Rank",
            headerTooltip=_rank_explained(campaign),
        ),
        _column("formula", "Formula", 148, pinned="left", cellRenderer="Formula"),
        _column("status", "Status", 140, cellRenderer="StatusChip"),
    ]
    if campaign.hits is not None:
        columns.append(
            _column(
                "feasibility",
                "Chance of a hit",
                104,
                cellRenderer="Share",
                headerTooltip="Predicted chance that every criterion holds",
                **largest_first,
            )
        )
    return [
        *columns,
        *(_property_column(campaign, info) for info in campaign.properties),
        _column("iteration", "Iteration", 96, type="rightAligned"),
        _column(
            "acquisition",
            "Score",
            96,
            type="rightAligned",
            cellRenderer="Score",
            headerTooltip="What the strategy scored: larger is asked sooner",
            **largest_first,
        ),
        _column(
            "distance",
            "Distance",
            104,
            type="rightAligned",
            cellRenderer="Distance",
            sortable=False,
            headerTooltip=DISTANCE_EXPLAINED,
        ),
    ]


def _rank_explained(campaign: CampaignDetail) -> str:
    acquisition = campaign.document.get("acquisition") or {}
    strategy = in_words(acquisition.get("strategy") or "score")
    size, diversity = acquisition.get("batch_size"), acquisition.get("diversity", 0.5)
    if strategy == "random" or not size or not diversity:
        return f"By the score of the strategy ({strategy})"
    return (
        f"The first {size} are the batch, in the order of choice: each has a high score ({strategy}) and is unlike those "
        f"before it (diversity {diversity:g}), so that a lower score may come first. Behind them the score alone decides"
    )


def _property_column(campaign: CampaignDetail, info: PropertyInfo) -> dict[str, Any]:
    title = with_unit(info.name, info.unit, {info.name: info.label})
    windows = windows_of(campaign, info.name)
    parameters = {"name": info.name, "unit": info.unit, "windows": windows}
    title += f"\ngoal {goal_in_short(windows)}" if windows else ""
    return _column(
        f"predicted.{info.name}",
        title,
        200,
        flex=1,
        minWidth=192 if len(campaign.properties) <= 2 else 172,
        cellRenderer="PropertyValue",
        cellRendererParams=parameters,
        wrapHeaderText=True,
        headerTooltip=f"{info.description} Predicted value ± deviation; the band is the goal, the dot what is "
        "predicted, the diamond what was measured.".strip(),
        sortingOrder=["desc", "asc", None],
    )


def _column(field: str, title: str, width: int, **options: Any) -> dict[str, Any]:
    return {"field": field, "headerName": title, "width": width, **options}
