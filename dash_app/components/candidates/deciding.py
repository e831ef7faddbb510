"""The buttons that decide about one candidate where one reads about it: beside the grid, and on its material's page."""

from typing import Any

from dash import html

from catalyst_assets.campaigns.rejections import RejectionKind
from dash_app.components.wording import data
from dash_app.contract import CandidateDetail, CandidateStatus

_RESTORABLE = (RejectionKind.WITHDRAWN, RejectionKind.FAILED)


def deciding(candidate: CandidateDetail) -> html.Div | None:
    """Offer what its status allows; None where nothing is to be decided. `assets/review_decide.js` asks why."""
    verbs: list[tuple[str, str, str, str]] = []
    if candidate.status is CandidateStatus.RANKED:
        verbs.append(("flag", "Flag…", "primary", "f"))
    if candidate.status in (CandidateStatus.RANKED, CandidateStatus.FLAGGED, CandidateStatus.IN_VALIDATION):
        verbs.append(("reject", "Reject…", "danger", "r"))
    if candidate.status is CandidateStatus.REJECTED and candidate.rejection_kind in _RESTORABLE:
        verbs.append(("restore", "Restore…", "quiet", ""))
    if not verbs:
        return None
    buttons = [_button(candidate, *verb) for verb in verbs]
    return html.Div(buttons, className="actions decide-one")


def _button(candidate: CandidateDetail, verb: str, text: str, look: str, key: str) -> html.Button:
    told: dict[str, Any] = data(decide=verb, one=str(candidate.candidate_id))
    return html.Button(
        [text, html.Kbd(key) if key else None], type="button", className=f"{look} decide", **told
    )
