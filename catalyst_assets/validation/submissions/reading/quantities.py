r"""Numbers as laboratories write them: decimal commas, thousands, ``1.2 ± 0.1 eV``, ``1.234(5)``, ``1.2·10⁻³``.

What may be two numbers is refused, never guessed; what a spreadsheet made of a number is named as such.
"""

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Final, Literal

from catalyst_assets.ingestion.reading.tables import shown

DecimalSign = Literal[".", ","]
# No number at all; in small letters.
NOTHING: Final = frozenset(
    {
        "",
        "-",
        "--",
        "\N{EN DASH}",
        "\N{EM DASH}",
        "/",
        "n/a",
        "n.a.",
        "na",
        "n.d.",
        "nd",
        "tbd",
        "pending",
        "k.a.",
    }
)
_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DIGITS: Final = r"[+-]?(?:\d[\d.,'\N{RIGHT SINGLE QUOTATION MARK}]*(?: \d{3}(?!\d))*(?:[.,]\d+)?|[.,]\d+)(?:[eE][+-]?\d+)?"
_QUANTITY: Final = re.compile(
    rf"\(?\s*(?P<value>{_DIGITS})(?:\((?P<last>\d{{1,4}})\))?"
    rf"(?:\s*(?:±|\+\s*/\s*-|\+-)\s*(?P<deviation>{_DIGITS}))?\s*\)?\s*(?P<unit>(?![\d.,±<>])\S.*)?",
    re.ASCII,
)
_MONTHS: Final = "jan|feb|fév|mar|mär|mrz|mrt|apr|avr|may|mai|mei|maj|jun|juin|jul|juil|aug|aoû|ago|sep|oct|okt|nov|dec|dez|déc|dic"
_DATE_LIKE: Final = re.compile(
    rf"\d{{1,2}}[-./ ]+({_MONTHS})[a-zé]*\.?([-./ ]+\d{{2,4}})?|({_MONTHS})[a-zé]*\.?[-./ ]\d{{2,4}}"
    r"|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d{1,2}-\d{1,2}(?:[ T].*)?|\d{1,2}\.\d{1,2}\.",
    re.IGNORECASE,
)
_LIMIT: Final = re.compile(
    r"(<|>|≤|≥|≪|≫|~|≈|\N{TILDE OPERATOR}|ca\.?|approx\.?|circa)\s*[+-]?[\d.,]+.*", re.IGNORECASE
)
_RANGE: Final = re.compile(r"[\d.,]+\s*(-|\N{EN DASH}|to|bis|\.\.)\s*[\d.,]+.*", re.IGNORECASE)
_NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf|infinity|∞|null|none)", re.IGNORECASE)
_TIMES_TEN: Final = re.compile(r"\s*[x×·⋅*]\s*10\s*(?:\^|\*\*)?\s*\(?([+-]?\d+)\)?")
_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPT_POWER: Final = re.compile(r"10([⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+)")
_GROUPED: Final = {
    sign: re.compile(rf"[+-]?\d{{1,3}}(\{group}\d{{3}})+\{sign}\d*(?:[eE].*)?|[+-]?\d{{1,3}}(\{group}\d{{3}}){{2,}}")
    for sign, group in ((".", ","), (",", "."))
}  # fmt: skip
_AMBIGUOUS: Final = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_ONE_COMMA: Final = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_LONGEST: Final = 60


class UnreadableCellError(ValueError):
    """A cell does not hold what its column is for.

    Parameters
    ----------
    reason
        Continues a sentence that begins with the cell.
    remedy
        A sentence that says what to write.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with what may stand beside it in one cell.

    Attributes
    ----------
    deviation, unit
        None, and empty, where the cell says nothing of it.
    """

    value: float
    deviation: float | None = None
    unit: str = ""


def read_quantity(cell: object, decimal: DecimalSign = ".", *, is_certain: bool = False) -> Quantity | None:
    """Read a number with its deviation and unit if the cell has them; None where nothing was measured.

    Parameters
    ----------
    is_certain
        Somebody said what the decimal sign is, so that the other one divides thousands.

    Raises
    ------
    UnreadableCellError
        It is no number, or may be two.
    """
    if isinstance(cell, str):
        if decimal == "." and _PLAIN.fullmatch(cell):
            return _finite(float(cell), cell)
        return _read_text(cell, decimal, is_certain)
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, bool):
        raise UnreadableCellError("is yes or no, not a number", "Write the measured number.")
    if isinstance(cell, int | float | Decimal):
        try:
            return _finite(float(cell), cell)
        except OverflowError:
            return _finite(math.inf, cell)
    if isinstance(cell, date | time):
        raise _made_a_date()
    raise UnreadableCellError("is no single number", "Write one number a cell.")


def find_decimal_sign(cells: Iterable[str], delimiter: str) -> DecimalSign:
    """Tell from the cells of the number columns whether decimals have points or commas.

    A cell that may be either, such as ``1,234``, decides nothing unless cells are divided by ``;``, which spreadsheets
    do where the comma is the decimal sign.
    """
    commas = points = open_commas = 0
    for cell in cells:
        text = _normalised(cell)
        if "," in text and "." in text:
            last = max(text.rfind(","), text.rfind("."))
            commas, points = commas + (text[last] == ","), points + (text[last] == ".")
        elif _ONE_COMMA.match(text):
            open_commas += 1
            commas += not _AMBIGUOUS.fullmatch(text)
        elif _PLAIN.fullmatch(text) and "." in text:
            points += not _AMBIGUOUS.fullmatch(text)
    if commas == points == 0:
        return "," if open_commas and delimiter == ";" else "."
    return "," if commas > points else "."


def _read_text(cell: str, decimal: DecimalSign, is_certain: bool) -> Quantity | None:
    text = _normalised(cell)
    if text.casefold() in NOTHING:
        return None
    if len(text) > _LONGEST:
        raise UnreadableCellError(
            "is no number", "Write the number alone; what else is to be said goes into note."
        )
    found = _QUANTITY.fullmatch(text)
    if found is None or _DATE_LIKE.fullmatch(text) or _RANGE.fullmatch(text):
        raise _explain(text)
    value = _to_number(found["value"], decimal, is_certain)
    deviation = None if found["deviation"] is None else _to_number(found["deviation"], decimal, is_certain)
    if found["last"] is not None:
        if deviation is not None:
            raise UnreadableCellError(
                "gives its uncertainty twice", "Write it as 1.23 ± 0.04, or as 1.23(4)."
            )
        # Crystallographers put the deviation of the last digits in brackets.
        deviation = int(found["last"]) * _last_place(found["value"], decimal)
    read = _finite(value, cell)
    return Quantity(read.value, deviation, (found["unit"] or "").strip())


def _normalised(cell: str) -> str:
    text = cell.replace("\N{MINUS SIGN}", "-").replace("\N{NON-BREAKING HYPHEN}", "-")
    if not text.isascii():
        text = _SUPERSCRIPT_POWER.sub(lambda power: "10^" + power[1].translate(_SUPERSCRIPTS), text)
        text = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in text)
    text = _TIMES_TEN.sub(r"e\1", text.strip())
    return text.removeprefix("'") if text.startswith("'") else text


def _explain(text: str) -> UnreadableCellError:
    if text.startswith("#"):
        return UnreadableCellError(
            "is what a spreadsheet shows instead of a number it cannot compute or has no room for",
            "Make the column wider, or mend the formula, and save the file again.",
        )
    if _NOT_FINITE.fullmatch(text):
        return UnreadableCellError(
            "is not a finite number",
            "Leave the cell empty where nothing was measured, and set outcome to failed.",
        )
    if _DATE_LIKE.fullmatch(text):
        return _made_a_date()
    if _LIMIT.fullmatch(text):
        return UnreadableCellError(
            "is a limit or an estimate, not a measured value",
            "Write the number alone, with its standard_deviation; say in note that it is a limit.",
        )
    if _RANGE.fullmatch(text):
        return UnreadableCellError(
            "is a range",
            "Write its middle as the value and half of it as standard_deviation, or one row a replicate.",
        )
    return UnreadableCellError("is no number", "Write the number alone, such as 1.23; a note goes into note.")


def _made_a_date() -> UnreadableCellError:
    return UnreadableCellError(
        "is a date: the spreadsheet took the number for one",
        "Format the column as text (or number), type the number again and save.",
    )


def _to_number(text: str, decimal: DecimalSign, is_certain: bool) -> float:
    plain = text.replace(" ", "").replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    group = "," if decimal == "." else "."
    if group in plain:
        if _AMBIGUOUS.fullmatch(plain) and not is_certain:
            whole, rest = plain.split(group)
            raise UnreadableCellError(
                f"may be {whole}.{rest} or {whole}{rest}",
                f"Write {whole}.{rest} or {whole}{rest}, or say which sign separates decimals with --decimal.",
            )
        if not _GROUPED[decimal].fullmatch(plain) and not (is_certain and _AMBIGUOUS.fullmatch(plain)):
            names = {".": "point", ",": "comma"}
            raise UnreadableCellError(
                f"has a decimal {names[group]}, where the other numbers have a decimal {names[decimal]}",
                "Write all numbers of the file in one way.",
            )
        plain = plain.replace(group, "")
    try:
        return float(plain.replace(",", "."))
    except ValueError:
        raise UnreadableCellError("is no number", "Write the number alone, such as 1.23.") from None


def _last_place(text: str, decimal: DecimalSign) -> float:
    mantissa, _, exponent = text.casefold().partition("e")
    places = len(mantissa.partition(decimal)[2])
    return float(f"1e{int(exponent or 0) - places}")


def _finite(value: float, cell: object) -> Quantity:
    if not math.isfinite(value):
        raise UnreadableCellError(
            "is not a finite number", f"Write the measured number; {shown(cell)} cannot be one."
        )
    return Quantity(value)
