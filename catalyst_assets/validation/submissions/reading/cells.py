"""Cells that hold words: texts, days, yes or no, numbers of candidates; and what spreadsheets make of them."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from catalyst_assets.validation.submissions.reading.quantities import NOTHING, UnreadableCellError

# Longest text of each field, in characters.
LONGEST: Final[Mapping[str, int]] = {
    "candidate": 60, "campaign": 60, "material_id": 300, "formula": 200, "structure": 2_000_000, "property": 80,
    "unit": 40, "method": 100, "outcome": 40, "synthesis": 40, "conditions": 4000, "sample": 100, "batch": 100,
    "replicate": 20, "operator": 100, "date": 40, "attachment": 1000, "note": 2000, "correction": 500,
}  # fmt: skip
# Names: a spreadsheet that turns one into a date or a number makes it another name.
_NAMES: Final = frozenset(
    {"material_id", "formula", "property", "unit", "method", "sample", "batch", "campaign"}
)
_LONG: Final = frozenset({"structure", "note", "conditions", "correction"})
_YES: Final = frozenset({"yes", "y", "true", "t", "1", "ok", "okay", "succeeded", "success", "successful", "done", "made", "+",
                         "✓", "✔", "x", "ja", "j", "wahr", "erfolgreich", "oui", "si", "sí", "pass", "passed"})  # fmt: skip
_NO: Final = frozenset({"no", "n", "false", "f", "0", "failed", "fail", "failure", "unsuccessful", "not made", "-", "✗", "✘",
                        "nein", "falsch", "fehlgeschlagen", "misslungen", "non", "not ok", "did not form"})  # fmt: skip
_MEASURED: Final = frozenset(
    {"measured", "ok", "done", "succeeded", "success", "valid", "yes", "gemessen", "complete"}
)
_FAILED: Final = frozenset(
    {"failed", "fail", "failure", "not measured", "no result", "no", "invalid", "fehlgeschlagen"}
)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan", "feb fév fev", "mar mär mrz mrt", "apr avr abr", "may mai mei maj", "jun juin", "jul juil",
         "aug aoû aou ago", "sep set", "oct okt", "nov", "dec dez déc dic"), 1)
    for name in names.split()
}  # fmt: skip
_EXCEL_DATE: Final = re.compile(
    rf"\d{{1,2}}[-. ]({'|'.join(_MONTHS)})[-. ]?(\d{{2,4}})?|({'|'.join(_MONTHS)})[-. ]\d{{2,4}}",
    re.IGNORECASE,
)
_EXCEL_NUMBER: Final = re.compile(r"[+-]?\d+([.,]\d+)?E[+-]?\d{2,3}")
_ISO: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?")
_COMPACT: Final = re.compile(r"(20\d{2})(\d{2})(\d{2})")
_DOTTED: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{2}|\d{4})(?: \d{1,2}:\d{2}.*)?")
_SLASHED: Final = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?: \d{1,2}:\d{2}.*)?")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[. -]+([^\W\d_]{3,9})\.?[ ,-]+(\d{4})")
_MONTH_FIRST: Final = re.compile(r"([^\W\d_]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_CANDIDATE: Final = re.compile(r"(?:candidate|kandidat|no\.?|nr\.?|#)?\s*(\d{1,18})(?:\.0+)?", re.IGNORECASE)
_FIRST_DAY: Final = date(1950, 1, 1)
# Where a day has begun already that has not begun here.
_AHEAD: Final = timedelta(days=1)
_HOW_TO_DATE: Final = "Write it as 2026-03-31."


def read_text(field: str, cell: object) -> str:
    """Return the text of a cell, without blanks around it; empty where there is none.

    Raises
    ------
    UnreadableCellError
        It is too long, damaged, or not what was typed.
    """
    text = _as_text(field, cell)
    if not text:
        return ""
    if len(text) > LONGEST[field]:
        raise UnreadableCellError(
            f"has {len(text):,} characters, more than {LONGEST[field]:,}",
            "Shorten it; keep a long text in a file and name that in attachment.",
        )
    _require_readable(field, text)
    if field in _NAMES:
        _require_unmangled(text)
        text = " ".join(text.split())
    # A spreadsheet's sign for "this is text, no formula".
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in "=+-@" else text


def read_candidate(cell: object) -> int | None:
    """Return the number of a candidate; None where there is none."""
    text = read_text("candidate", cell)
    if not text:
        return None
    found = _CANDIDATE.fullmatch(text)
    if found is None or not int(found[1]):
        raise UnreadableCellError(
            "is no number of a candidate",
            "Write the number that the work order gives, or leave it empty and give material_id or formula.",
        )
    return int(found[1])


def read_replicate(cell: object) -> int:
    """Return the number of a replicate; 1 where there is none."""
    text = read_text("replicate", cell)
    if not text:
        return 1
    found = re.fullmatch(r"(?:replicate|rep|run|no\.?|#)?\s*(\d{1,6})(?:\.0+)?", text, re.IGNORECASE)
    if found is None or not int(found[1]):
        raise UnreadableCellError(
            "is no number of a replicate", "Write 1, 2, 3 … for the first, second, third measurement."
        )
    return int(found[1])


def read_synthesis(cell: object) -> bool | None:
    """Return whether synthesis succeeded; None where nothing is said."""
    text = read_text("synthesis", cell).casefold()
    if text in _YES:
        return True
    if text in _NO:
        return False
    if not text or text in NOTHING or text == "?":
        return None
    raise UnreadableCellError("does not say whether synthesis succeeded", "Write yes or no.")


def read_outcome(cell: object) -> bool | None:
    """Return whether something was measured; None where nothing is said."""
    text = read_text("outcome", cell).casefold()
    if text in _FAILED:
        return False
    if text in _MEASURED:
        return True
    if not text or text in NOTHING or text in ("open", "waiting", "in progress"):
        return None
    raise UnreadableCellError("is no outcome", "Write measured or failed.")


def read_date(cell: object, today: date) -> date | None:
    """Return a day; None where there is none.

    Raises
    ------
    UnreadableCellError
        It is none, may be two, or has not come yet.
    """
    if isinstance(cell, datetime):
        cell = cell.date()
    day = cell if isinstance(cell, date) else _to_date(read_text("date", cell))
    if day is None:
        return None
    if day > today + _AHEAD:
        raise UnreadableCellError(
            f"is in the future: {day.isoformat()}",
            "Write the day on which it was measured, such as 2026-03-31.",
        )
    if day < _FIRST_DAY:
        raise UnreadableCellError(
            f"is {day.isoformat()}, before anything here was measured",
            "Write the day on which it was measured, such as 2026-03-31.",
        )
    return day


def read_conditions(cell: object) -> dict[str, object]:
    """Return conditions of a cell: ``T = 300 K; pH: 13``, a JSON object, or any text."""
    if isinstance(cell, Mapping):
        return _checked_conditions({str(name): value for name, value in cell.items()})
    text = read_text("conditions", cell)
    if not text:
        return {}
    if text.startswith("{"):
        import json

        try:
            document = json.loads(text)
        except ValueError:
            raise UnreadableCellError(
                "begins as JSON and is none", "Write it as `T = 300 K; pH = 13`."
            ) from None
        return read_conditions(document)
    parts = [part for part in re.split(r"[;\n]", text) if part.strip()]
    pairs = [re.split(r"\s*[=:]\s*", part.strip(), maxsplit=1) for part in parts]
    if all(len(pair) == 2 and pair[0] for pair in pairs):
        return {pair[0]: pair[1] for pair in pairs}
    return {"conditions": text}


def _checked_conditions(document: dict[str, object]) -> dict[str, object]:
    import json

    if len(json.dumps(document, default=str)) > LONGEST["conditions"]:
        raise UnreadableCellError("is too long", "Keep it in a file and name that in attachment.")
    for name, value in document.items():
        if isinstance(value, float) and value != value:
            raise UnreadableCellError(f"has no number for {name}", "Leave it out.")
    return document


def _as_text(field: str, cell: object) -> str:
    if isinstance(cell, str):
        return _without_blanks(cell)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float | Decimal):
        cell = float(cell)
        if cell != cell:
            return ""
        return str(int(cell)) if cell == int(cell) and abs(cell) < 1e15 else format(cell, ".15g")
    if isinstance(cell, date):
        if field in (
            "material_id",
            "formula",
            "property",
            "unit",
            "method",
            "campaign",
            "candidate",
            "replicate",
        ):
            raise UnreadableCellError(
                "is a date: the spreadsheet took what was typed for one",
                "Format the column as text, type it again and save.",
            )
        return (cell.date() if isinstance(cell, datetime) and not cell.time() else cell).isoformat()
    raise UnreadableCellError("is no text", "Write one text a cell.")


@lru_cache(maxsize=50_000)
def _without_blanks(text: str) -> str:
    if text.isascii():
        return text.strip()
    return "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in text).strip()


def _require_readable(field: str, text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    if "\N{REPLACEMENT CHARACTER}" in text:
        raise UnreadableCellError("has lost characters", "Export the file again as CSV UTF-8, or as .xlsx.")
    for sign in text:
        kind = unicodedata.category(sign)
        if kind in ("Cc", "Cs", "Co", "Cn") and not (sign in "\n\r\t" and field in _LONG):
            what = "a line break" if sign in "\n\r" else f"a control character (U+{ord(sign):04X})"
            raise UnreadableCellError(f"holds {what}", "Type the cell again.")
        if kind == "Cf":
            raise UnreadableCellError(
                f"holds an invisible character (U+{ord(sign):04X})", "Type the cell again."
            )
    try:
        meant = text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return
    if meant != text:
        raise UnreadableCellError(
            f"was read in a wrong encoding before: it should be {meant!r}",
            "Open the original file as UTF-8 and save it as CSV UTF-8.",
        )


def _require_unmangled(text: str) -> None:
    if text.startswith("#") and (text.strip("#") == "" or text.isupper()):
        raise UnreadableCellError(
            "is what a spreadsheet shows instead of a value", "Make the column wider, or mend the formula."
        )
    if _EXCEL_DATE.fullmatch(text):
        raise UnreadableCellError(
            "is a date that a spreadsheet made of what was typed",
            "Format the column as text, type it again and save.",
        )
    if _EXCEL_NUMBER.fullmatch(text):
        raise UnreadableCellError(
            "is a number that a spreadsheet made of a name",
            "Format the column as text, type it again and save.",
        )


def _to_date(text: str) -> date | None:
    if not text or text.casefold() in NOTHING:
        return None
    if found := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _DOTTED.fullmatch(text):
        return _day(_year(found[3]), int(found[2]), int(found[1]))
    if found := _SLASHED.fullmatch(text):
        first, second, year = int(found[1]), int(found[2]), int(found[3])
        if first <= 12 and second <= 12 and first != second:
            raise UnreadableCellError(
                f"may be {year}-{first:02}-{second:02} or {year}-{second:02}-{first:02}", _HOW_TO_DATE
            )
        return _day(year, second, first) if first > 12 or first == second else _day(year, first, second)
    if found := _DAY_FIRST.fullmatch(text):
        return _day(int(found[3]), _month(found[2]), int(found[1]))
    if found := _MONTH_FIRST.fullmatch(text):
        return _day(int(found[3]), _month(found[1]), int(found[2]))
    if text.isdigit() and 20_000 < int(text) < 80_000:
        meant = date(1899, 12, 30) + timedelta(days=int(text))
        raise UnreadableCellError(
            f"is how a spreadsheet counts days ({meant.isoformat()})",
            "Format the column as a date and save again.",
        )
    raise UnreadableCellError("is no date", _HOW_TO_DATE)


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise UnreadableCellError("is no day that exists", _HOW_TO_DATE) from None


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _month(text: str) -> int:
    short = text.casefold()
    return _MONTHS.get(short[:3]) or _MONTHS.get(short[:4]) or 0
