"""A result as it is entered: the fields of the form, as the API takes them and as they are filled from what is held."""

import re
from typing import Any, Final

from dash_app.client import ApiError
from dash_app.result_contract import Result

# What of the form goes into the result as it is.
_TEXTS: Final = ("method", "sample", "batch", "operator", "note", "correction")
FIELDS: Final = (
    "property",
    "outcome",
    "value",
    "deviation",
    "unit",
    *_TEXTS,
    "replicate",
    "date",
    "conditions",
)


def named_by(held: Result | None, candidate: int | None) -> dict[str, Any]:
    """Return what names the material of a result: its candidate, or itself where nobody asked for it."""
    if held is None:
        return {"candidate": candidate}
    return {"candidate": held.candidate_id} if held.candidate_id else {"material_id": held.material_id}


def as_it_was(held: Result) -> dict[str, Any]:
    """Return a result as the form holds it, so that only what was wrong is typed anew."""
    failed = "not_made" if held.synthesis == "failed" else "failed"
    return {
        "property": held.property,
        "outcome": "measured" if held.outcome == "measured" else failed,
        "value": "" if held.value is None else f"{held.value:.12g}",
        "deviation": "" if held.standard_deviation is None else f"{held.standard_deviation:.12g}",
        "unit": held.unit or "",
        "replicate": held.replicate,
        "date": held.date.isoformat() if held.date else "",
        "conditions": "; ".join(f"{key} = {value}" for key, value in held.conditions.items()),
        "correction": "",
        **{name: getattr(held, name) for name in _TEXTS if name != "correction"},
    }


def result_of(given: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """Return a result as the API takes it; what was left empty is left out.

    Raises
    ------
    ApiError
        A number is none.
    """
    row: dict[str, Any] = {**named, "property": given["property"], "date": given["date"]}
    row |= {name: (given[name] or "").strip() for name in _TEXTS}
    row["replicate"] = given["replicate"]
    row["conditions"] = _conditions(given["conditions"] or "")
    if given["outcome"] == "measured":
        row |= {
            "value": _number("Value", given["value"]),
            "standard_deviation": _number("Standard deviation", given["deviation"]),
            "unit": (given["unit"] or "").strip(),
        }
    else:
        row["outcome"] = "failed"
        row["synthesis"] = "failed" if given["outcome"] == "not_made" else None
    return {name: value for name, value in row.items() if value not in (None, "", {})}


def _number(label: str, text: Any) -> float | None:
    if text is None or not str(text).strip():
        return None
    try:
        return float(
            re.sub(r"(?<=\d),(?=\d)", ".", str(text).strip().replace("\N{MINUS SIGN}", "-"), count=1)
        )
    except ValueError:
        raise ApiError(
            f"{label}: {text!r} is no number.", "Write it as 1.62; the unit has a field of its own."
        ) from None


def _conditions(text: str) -> dict[str, str]:
    pairs = [re.split(r"\s*[=:]\s*", part.strip(), maxsplit=1) for part in text.split(";") if part.strip()]
    if all(len(pair) == 2 for pair in pairs):
        return dict(pairs)
    return {"conditions": text.strip()}
