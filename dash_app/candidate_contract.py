"""How candidates are asked for, and a page of them: what the API and its clients agree on."""

import datetime as dt
import re
from math import inf, isfinite
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from catalyst_assets.campaigns.rejections import RejectionKind
from dash_app.contract import Candidate, CandidateStatus

# So many candidates can be skipped; a cursor goes on behind them.
MOST_SKIPPED: Final = 100_000
# So many are counted by filters beside campaign, iteration and status.
MOST_FILTERED: Final = 10_000
MOST_RANGES: Final = 6
# So many can be named by their numbers.
MOST_NAMED: Final = 1_000
_PLAIN_KEYS: Final = "rank|iteration|acquisition|feasibility|updated_at|formula|status"
_PROPERTY_KEYS: Final = "predicted|uncertainty|validated"
_NAME: Final = "[A-Za-z][A-Za-z0-9_]*"
_RANGE: Final = re.compile(rf"(?:({_NAME}):)?([^:]*):([^:]*)")
_HOW: Final = "A colon between the least and the largest value, either of which may be left out"


class Range(NamedTuple):
    """Values between two bounds, which are included.

    Attributes
    ----------
    property
        Of what; empty where the parameter says it.
    """

    property: str
    min: float | None
    max: float | None


def _split(value: Any) -> Any:
    """Return a list of what is separated by commas, repeated or both."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list):
        return texts
    # What was read once is numbers.
    return [part.strip() for text in texts for part in str(text).split(",")]


def _known_elements(symbols: list[str] | None) -> list[str] | None:
    from pymatgen.core.periodic_table import Element

    unknown = sorted({symbol for symbol in symbols or () if not Element.is_valid_symbol(symbol)})
    if unknown:
        raise ValueError(f"{', '.join(unknown) or 'nothing'} is no element; write symbols as in `Sr,Ti`")
    return symbols


def read_range(text: str) -> Range:
    """Return what `band_gap:1.1:2.0`, or `1.1:2.0` where it is clear of what, means.

    Raises
    ------
    ValueError
        It is no range.
    """
    found = _RANGE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        low, high = (float(part) if part.strip() else None for part in found.groups()[1:])
    except ValueError:
        raise ValueError(f"{text[:80]!r} is no range: {_HOW}, as in `band_gap:1.1:2.0` or `0.5:`") from None
    bounds = [bound for bound in (low, high) if bound is not None]
    if not bounds or not all(map(isfinite, bounds)):
        raise ValueError(f"{text[:80]!r} has no finite bound")
    if (-inf if low is None else low) > (inf if high is None else high):
        raise ValueError(f"{text[:80]!r} is empty: its first bound is the larger one")
    return Range(found[1] or "", low, high)


def _of_property(text: str) -> str:
    if not read_range(text).property:
        raise ValueError(f"{text[:80]!r} names no property: write `band_gap:1.1:2.0`")
    return text


def _of_itself(text: str) -> str:
    if read_range(text).property:
        raise ValueError(f"{text[:80]!r} names a property: write `0.5:` or `:0.5`")
    return text


Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
Numbers = Annotated[
    Annotated[list[Number], Field(min_length=1, max_length=MOST_NAMED)] | None, BeforeValidator(_split)
]
Elements = Annotated[list[str] | None, BeforeValidator(_split), AfterValidator(_known_elements)]
PropertyRange = Annotated[str, StringConstraints(max_length=200), AfterValidator(_of_property)]
PlainRange = Annotated[str, StringConstraints(max_length=100), AfterValidator(_of_itself)]


class CandidateFilters(BaseModel):
    """Which candidates are meant: those that pass all of these."""

    model_config = ConfigDict(extra="forbid")

    campaign: str | None = Field(None, max_length=200, description="Only of this campaign.")
    iteration: int | None = Field(None, ge=0, le=2**31 - 1, description="Only of this iteration.")
    status: list[CandidateStatus] | None = Field(None, description="Only in one of these.")
    rejection_kind: list[RejectionKind] | None = Field(None, description="Only rejected as one of these.")
    material: str | None = Field(None, max_length=300, description="Only of this material.")
    candidates: Numbers = Field(
        None,
        description=f"Only these, by their numbers: up to {MOST_NAMED:,}, separated by commas or repeated.",
        examples=[["12,15"]],
    )
    source: str | None = Field(
        None, max_length=200, description="Of a material that this source gave.", examples=["uploads"]
    )
    formula: str | None = Field(
        None, max_length=200, description="Of this composition, however it is written.", examples=["SrTiO3"]
    )
    elements: Elements = Field(
        None,
        description="Containing all of these elements, separated by commas or repeated.",
        examples=[["Sr,Ti"]],
    )
    exclude_elements: Elements = Field(None, description="Containing none of these.", examples=[["Pb,Cd"]])
    only_elements: Elements = Field(
        None, description="Containing nothing but these, not necessarily all.", examples=[["Sr,Ba,Ti,O"]]
    )
    predicted: list[PropertyRange] | None = Field(
        None,
        description=f"A property and the range of its predicted mean. {_HOW}.",
        examples=[["band_gap:1.1:2.0"]],
    )
    uncertainty: list[PropertyRange] | None = Field(
        None, description="Likewise of the predicted standard deviation.", examples=[["band_gap::0.3"]]
    )
    validated: list[PropertyRange] | None = Field(
        None,
        description="Likewise of what was measured by the campaign's method.",
        examples=[["band_gap:1.1:"]],
    )
    rank: PlainRange | None = Field(None, description="A range of ranks.", examples=[":100"])
    acquisition: PlainRange | None = Field(None, description="A range of the score.", examples=["0.5:"])
    feasibility: PlainRange | None = Field(
        None, description="A range of the chance that every criterion holds.", examples=["0.5:"]
    )
    hit: bool | None = Field(
        None, description="true: validation found every criterion met. false: it found that one is not."
    )
    updated_since: dt.datetime | None = Field(None, description="Changed then or later.")


class CandidateOrder(CandidateFilters):
    """Which candidates are meant, and in which order."""

    sort: str = Field(
        "rank",
        pattern=rf"^-?(?:{_PLAIN_KEYS}|(?:{_PROPERTY_KEYS})\.{_NAME})$",
        max_length=200,
        description=f"One of {_PLAIN_KEYS.replace('|', ', ')}; or {_PROPERTY_KEYS.replace('|', ', ')} of a "
        "property, as in `predicted.band_gap`. A minus before it puts the largest first. Equal ones come by the newest "
        "iteration, then by rank; unknown values come last.",
    )


class CandidateQuery(CandidateOrder):
    """One page of candidates."""

    limit: int = Field(100, ge=1, le=1000, description="Most candidates on the page.")
    cursor: str | None = Field(
        None,
        max_length=2000,
        description="`next` of the page before, with the same filters and order: as fast on the last page as on the "
        "first.",
    )
    offset: int = Field(
        0, ge=0, le=MOST_SKIPPED, description="Candidates before the page; use `cursor` to go deeper."
    )


class CandidatePage(BaseModel):
    """A page of candidates."""

    items: list[Candidate]
    total: int = Field(
        description="Candidates that pass the filters, on all pages, when the first page was read: by filters beside "
        f"campaign, iteration and status counted up to {MOST_FILTERED:,}."
    )
    total_is_exact: bool = Field(True, description="False where so many are there, or more.")
    limit: int
    offset: int
    next: str | None = Field(None, description="`cursor` of the next page; null on the last one.")
