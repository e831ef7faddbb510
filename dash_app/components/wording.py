"""How names, numbers and moments are written for people."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from dash import html

from catalyst_assets.constants import decimals, title_of
from dash_app.contract import Candidate, CandidateStatus

MISSING: Final = "\u2013"
MINUS: Final = "\u2212"
FAR: Final = "Far from training data"
FAR_EXPLAINED: Final = (
    "Further from the training data than 95 % of unseen chemical systems: "
    "expect a larger error, and do not rely on the stated uncertainty"
)
DISTANCE_EXPLAINED: Final = "Distance to the training data; 1 is typical of an unseen chemical system"


def stale_explained(candidate: Candidate) -> str | None:
    """Say why an undecided candidate's score is stale; None when it is not, or no longer matters."""
    undecided = candidate.status in (CandidateStatus.RANKED, CandidateStatus.FLAGGED)
    if not candidate.stale or not undecided:
        return None
    return (
        f"Scored by model version {candidate.model_version}, which is older than the champion, version "
        f"{candidate.champion_version}: a later iteration may see it otherwise"
    )


def formula(text: str) -> list[str | html.Sub]:
    """Write a formula with its amounts below the line."""
    parts = re.split(r"(\d+\.?\d*)", text)
    return [html.Sub(part) if place % 2 else part for place, part in enumerate(parts) if part]


def property_title(name: str, labels: Mapping[str, str]) -> str:
    """Write a property as people read it: its label, or its name in words."""
    return labels.get(name) or title_of(name)


def with_unit(name: str, unit: str, labels: Mapping[str, str]) -> str:
    """Write a property with its unit: "Band gap direct (eV)"."""
    title = property_title(name, labels)
    return f"{title} ({unit})" if unit else title


def signed(text: str) -> str:
    """Write a number's minus, and that of its exponent, as one."""
    return re.sub(r"^-|(?<=e)-", MINUS, text)


def in_words(name: str) -> str:
    """Write an identifier within a sentence: "probability of feasibility"."""
    return name.replace("_", " ")


def number(value: float | None, digits: int = 3) -> str:
    """Write a number to so many significant digits, a missing one as a dash."""
    return MISSING if value is None else signed(f"{value:.{digits}g}")


def three_decimals(value: float | None) -> str:
    """Write a number as the grid does, a missing one as a dash: what stands below each other keeps its decimal point."""
    return MISSING if value is None else signed(decimals(value))


def goal_in_short(windows: Sequence[Sequence[float | None]]) -> str:
    """Write the ranges that a goal asks of a property, without its unit: "1–2.3", "≤ −2"; empty where it asks for none."""
    return " or ".join(_window(low, high) for low, high in windows)


def _window(low: float | None, high: float | None) -> str:
    least, most = (None if bound is None else signed(f"{bound:g}") for bound in (low, high))
    if least is None or most is None:
        return f"≤ {most}" if least is None else f"≥ {least}"
    return f"{least} to {most}"


def percent(share: float | None) -> str | None:
    """Write a share as a whole percentage, as `assets/review.js` does: what is nearly none or all is told apart."""
    if share is None:
        return None
    whole = "<1" if 0 < share < 0.005 else ">99" if 0.995 <= share < 1 else f"{100 * share:.0f}"
    return f"{whole}\u2009%"


def plus_minus(mean: float, std: float) -> str:
    """Write a value with its uncertainty, both to the digit that the uncertainty reaches."""
    from math import floor, log10

    digits = 2 if std <= 0 else min(max(1 - floor(log10(std)), 0), 6)
    if 0 < std < 1e-6 and abs(mean) < 1e-3:
        return f"{signed(f'{mean:.3g}')} ± {signed(f'{std:.2g}')}"
    return f"{signed(f'{mean:.{digits}f}')} ± {std:.{digits}f}"


def moment(at: datetime) -> str:
    """Write a moment in UTC to the minute."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def took(seconds: float) -> str:
    """Write how long something took or takes, in its two largest units: "3 min 20 s"."""
    left = max(round(seconds), 0)
    parts = []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        n, left = divmod(left, size)
        parts.append((n, unit))
    first = next((place for place, (n, _) in enumerate(parts) if n), len(parts) - 1)
    shown = parts[first : first + 2]
    return " ".join(f"{n} {unit}" for n, unit in shown if n or unit == parts[first][1])


def ago(at: datetime, now: datetime) -> str:
    """Write how long ago, or in how long, something is: "2 h ago", "in 3 d"."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < 60:
        return "just now" if seconds >= 0 else "in a moment"
    return f"{lasting(at, now)} ago" if seconds > 0 else f"in {lasting(now, at)}"


def lasting(since: datetime, until: datetime) -> str:
    """Write how long something lasts, in its largest unit: "2 h"."""
    return " ".join(took((until - since).total_seconds()).split()[:2])


def size(n_bytes: int) -> str:
    """Write a size: "14.6 kB"."""
    number_of, unit = float(n_bytes), "B"
    for larger in ("kB", "MB", "GB"):
        if number_of < 1000:
            break
        number_of, unit = number_of / 1000, larger
    return f"{number_of:.0f} {unit}" if unit == "B" else f"{number_of:.3g} {unit}"


def aria(**attributes: str) -> dict[str, Any]:
    """Return accessibility attributes as Dash wants them: ``aria(label="Main")``."""
    return {f"aria-{name}": value for name, value in attributes.items()}


def data(**attributes: str) -> dict[str, Any]:
    """Return attributes that our scripts read, as Dash wants them: ``data(needs_reason="yes")``."""
    return {f"data-{name.replace('_', '-')}": value for name, value in attributes.items()}


def count(n: int, one: str, many: str | None = None) -> str:
    """Write a number of things: "1 candidate", "1,200 candidates"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def criterion(
    document: dict[str, Any], units: Mapping[str, str], labels: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Write one criterion of a campaign: "Band gap direct between 1 and 2.3 eV"."""
    if "any_of" in document:
        branches = [
            " and ".join(criterion(bound, units, labels) for bound in branch) for branch in document["any_of"]
        ]
        return "; or ".join(branches)
    low, high, name = document.get("min"), document.get("max"), document["property"]
    if low is None:
        limits = f"at most {signed(f'{high:g}')}"
    else:
        limits = (
            f"at least {signed(f'{low:g}')}"
            if high is None
            else f"between {signed(f'{low:g}')} and {signed(f'{high:g}')}"
        )
    return f"{property_title(name, labels)} {limits} {units.get(name, '')}".strip()
