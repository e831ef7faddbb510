"""Where materials come from, laid out: sources and their files, what was set aside and why, and what became of uploads."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from dash import dcc, html

from dash_app.components.lists.filters import address
from dash_app.components.tables import column, table
from dash_app.components.tiles import badge
from dash_app.components.wording import MISSING, ago, count, formula, moment, size
from dash_app.data_contract import RawFile, Refusal, RefusalReason, Source, SourceList
from dash_app.upload_contract import Upload, UploadSummary

PATH: Final = "/data"
_OUTCOMES: Final[Mapping[str, str]] = {
    "new": "validated",
    "known": "in_validation",
    "refused": "rejected",
    "waiting": "ranked",
}
_UPLOAD_LOOKS: Final[Mapping[str, str]] = {
    "taken": "validated",
    "failed": "rejected",
    "waiting": "in_validation",
}


def sources_table(found: SourceList, now: datetime) -> html.Div:
    """Lay out sources, and how fresh each is."""
    titles = (
        "Source",
        column("Records", "number"),
        column("Materials", "number"),
        column("Set aside", "number"),
        "Files",
        column("Newest file", "spare"),
        "Last asked",
        "Next",
        "Licence",
        "",
    )
    rows = [_source(each, found.schedules == "known", now) for each in found.items]
    return html.Div(table(titles, rows, "figures listing sources"), className="table-frame")


def _source(source: Source, is_known: bool, now: datetime) -> list[Any]:
    set_aside = (
        dcc.Link(
            f"{source.n_set_aside:,}", href=address(PATH, {"show": "set-aside", "source": source.source})
        )
        if source.n_set_aside
        else "0"
    )
    return [
        html.Th([source.source, html.Div(source.title, className="soft small")], scope="row"),
        html.Td(f"{source.n_records:,}", className="number"),
        html.Td(f"{source.n_materials:,}", className="number"),
        html.Td(set_aside, className="number"),
        html.Td(_files(source)),
        html.Td(_when(source.fetched_at, now), className="spare"),
        html.Td([_when(source.refreshed_at, now), " ", _late(source)] if is_known else "unknown"),
        html.Td(_next(source, is_known, now)),
        html.Td(html.Div(", ".join(source.licences) or MISSING, className="licence")),
        html.Td(_refresh(source), className="row-actions"),
    ]


def _files(source: Source) -> list[Any]:
    where = {"show": "files", "source": source.source}
    parts: list[Any] = [dcc.Link(f"{source.n_files:,}", href=address(PATH, where))]
    if source.n_waiting:
        parts += [" ", html.Span(f"{source.n_waiting:,} waiting", className="badge badge-in_validation")]
    if source.n_failed:
        failed = html.Span(f"{source.n_failed:,} failed", className="badge badge-rejected")
        parts += [" ", dcc.Link(failed, href=address(PATH, where, status="failed"))]
    return parts


def _when(at: datetime | None, now: datetime) -> Any:
    return MISSING if at is None else html.Time(ago(at, now), title=moment(at), dateTime=at.isoformat())


def _late(source: Source) -> Any:
    told = "Longer ago than its schedule allows: look at the runs of its job"
    return html.Span("late", className="badge badge-far", title=told) if source.is_late else None


def _next(source: Source, is_known: bool, now: datetime) -> Any:
    if not is_known:
        return "unknown"
    if source.next_refresh_at is not None:
        return _when(source.next_refresh_at, now)
    return html.Span("manual", className="soft", title=source.unavailable)


def _refresh(source: Source) -> Any:
    if source.job is None or source.unavailable:
        return None
    marks: dict[str, Any] = {"data-act": "launch", "data-job": source.job}
    return html.Button("Refresh…", type="button", className="link for-admins", **marks)


def files_table(files: Sequence[RawFile], now: datetime) -> html.Div:
    """Lay out raw files, and what became of each."""
    rows = [
        [
            html.Td(badge(each.status if each.is_current else "replaced", look=_file_look(each))),
            html.Th(each.source, scope="row"),
            html.Td(html.Div(each.url, title=each.url, className="address")),
            html.Td(html.Div(each.note or MISSING, className="cause" if each.status == "failed" else "")),
            html.Td(MISSING if each.n_rows is None else f"{each.n_rows:,}", className="number"),
            html.Td(size(each.size_bytes), className="number"),
            html.Td(_when(each.fetched_at, now)),
        ]
        for each in files
    ]
    titles = (
        "State",
        "Source",
        "From",
        "What came of it",
        column("Rows", "number"),
        column("Size", "number"),
        "Fetched",
    )
    return html.Div(table(titles, rows, "figures listing"), className="table-frame")


def _file_look(file: RawFile) -> str:
    if not file.is_current:
        return "ranked"
    return {"failed": "rejected", "parsed": "validated"}.get(file.status, "in_validation")


def reasons_table(reasons: Sequence[RefusalReason], asked: Mapping[str, Any], now: datetime) -> html.Div:
    """Lay out why records were set aside; each leads to the records."""
    most = max(each.n for each in reasons)
    rows = [
        [
            html.Th(each.source, scope="row"),
            html.Td(
                dcc.Link(
                    each.kind,
                    href=address(PATH, asked, source=each.source, kind=each.kind),
                    title=each.example,
                ),
                className="outcome-cell",
            ),
            html.Td(f"{each.n:,}", className="number"),
            html.Td(html.Div(html.Div(style={"width": f"{each.n / most:.1%}"}), className="bar")),
            html.Td(_when(each.seen_at, now)),
        ]
        for each in reasons
    ]
    titles = ("Source", "Reason", column("Records", "number"), "", "Last seen")
    return html.Div(table(titles, rows, "figures listing"), className="table-frame")


def refusals_table(refusals: Sequence[Refusal], now: datetime) -> html.Div:
    """Lay out records that were set aside, each with what it said."""
    rows = [
        [
            html.Th(each.record or MISSING, scope="row"),
            html.Td(each.reason, className="outcome-cell"),
            html.Td(each.source),
            html.Td(_when(each.seen_at, now)),
            html.Td(_payload(each)),
        ]
        for each in refusals
    ]
    titles = ("Record", "Why it was set aside", "Source", "Seen", "What it said")
    return html.Div(table(titles, rows, "figures listing"), className="table-frame")


def _payload(refusal: Refusal) -> Any:
    if refusal.payload is None:
        told = "It answers a validator, and nobody is told before it was asked"
        return html.Span("not told", className="soft", title=told)
    if not refusal.payload:
        return MISSING
    text = json.dumps(refusal.payload, indent=1, ensure_ascii=False)
    return html.Details(
        [html.Summary(count(len(refusal.payload), "field")), html.Pre(text)], className="payload"
    )


def uploads_table(uploads: Sequence[UploadSummary], opened: int | None, now: datetime) -> html.Div:
    """Lay out uploads, and what became of each."""
    rows = [
        [
            html.Td(badge(each.status, look=_UPLOAD_LOOKS.get(each.status, "ranked"))),
            html.Th(
                dcc.Link(
                    f"Upload {each.upload_id}",
                    href=address(PATH, {"show": "uploads", "upload": each.upload_id}),
                    className="chosen" if each.upload_id == opened else "",
                ),
                scope="row",
            ),
            html.Td(html.Div(", ".join(file.name for file in each.files), className="address")),
            html.Td(f"{each.n_candidates:,}" if each.n_candidates else MISSING, className="number"),
            html.Td(html.Div(each.problem or MISSING, className="cause" if each.problem else "soft")),
            html.Td(each.author),
            html.Td(_when(each.uploaded_at, now)),
        ]
        for each in uploads
    ]
    titles = ("State", "Upload", "Files", column("Candidates", "number"), "Trouble", "By", "When")
    return html.Div(table(titles, rows, "figures listing"), className="table-frame")


def upload_panel(upload: Upload) -> html.Section:
    """Lay out what became of each candidate of an upload."""
    rows = [
        [
            html.Td(badge(each.outcome, look=_OUTCOMES[each.outcome])),
            html.Th(each.place, scope="row"),
            html.Td(formula(each.formula) if each.formula else MISSING),
            html.Td(each.material_id or MISSING),
            html.Td(each.reason or MISSING, className="outcome-cell"),
        ]
        for each in upload.candidates
    ]
    told = f"{upload.n_new:,} new, {upload.n_known:,} known already, {upload.n_refused:,} refused"
    prototype = f" · on {upload.prototype.replace('_', ' ')}" if upload.prototype else ""
    titles = ("Outcome", "Where", "Formula", "Material", "Why")
    close = dcc.Link("Close", href=address(PATH, {"show": "uploads"}), className="older")
    return html.Section(
        [
            html.Div(
                [html.H2(f"Upload {upload.upload_id}: {told}{prototype}"), close], className="page-head"
            ),
            html.P(upload.problem, className="cause") if upload.problem else None,
            html.Div(table(titles, rows, "figures listing"), className="table-frame") if rows else None,
        ],
        className="panel upload",
        id="upload-panel",
    )
