"""What the columns of a sheet hold, by what laboratories write above them.

A column is a field of a result (``value``, ``sample``…), a property with its unit (``Band gap / eV``), the deviation of
one, or a condition of the measurement. Reading cells is `entries`' business.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final, Literal

from catalyst_assets.vocabulary.known import known_properties, label_of
from catalyst_assets.vocabulary.units import find_unit_problem
from catalyst_assets.vocabulary.words import close_to

# Every field by its name, with what else stands above it in sheets; compared without case, blanks and signs.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "candidate": ("candidate id", "candidate no", "candidate nr", "candidate number", "kandidat", "candidat"),
    "campaign": ("campaign name", "kampagne", "campagne"),
    "material_id": ("material", "material no", "materialnummer", "identifier", "compound id"),
    "formula": ("composition", "compound", "reduced formula", "chemical formula", "formel", "summenformel",
                "zusammensetzung", "verbindung", "formule"),
    "structure": ("crystal structure", "cif", "poscar", "structure file", "cif file", "struktur", "kristallstruktur"),
    "property": ("quantity", "measured property", "parameter", "eigenschaft", "messgrosse", "grosse", "propriete"),
    "value": ("result", "measured value", "measurement", "mean", "average", "wert", "messwert", "mittelwert", "ergebnis",
              "valeur", "mean value"),
    "unit": ("units", "einheit", "unite"),
    "standard_deviation": ("sd", "std", "stdev", "std dev", "st dev", "sigma", "s d", "error", "uncertainty", "plusminus",
                           "standardabweichung", "fehler", "unsicherheit", "ecart type", "measurement error"),
    "variance": ("var", "varianz"),
    "method": ("technique", "measurement method", "methode", "verfahren", "messmethode"),
    "outcome": ("result status", "measurement outcome"),
    "synthesis": ("synthesized", "synthesised", "synthesis succeeded", "synthesis success", "synthesis ok", "synthese",
                  "synthese erfolgreich", "made"),
    "conditions": ("condition", "measurement conditions", "bedingungen", "messbedingungen"),
    "sample": ("sample id", "sample no", "sample name", "specimen", "probe", "probennummer", "echantillon"),
    "batch": ("batch id", "batch no", "lot", "lot no", "charge", "chargennummer"),
    "replicate": ("replicate no", "repeat", "repetition", "rep", "wiederholung"),
    "operator": ("measured by", "analyst", "experimenter", "user", "bearbeiter", "operateur", "person"),
    "date": ("measured on", "measurement date", "date measured", "datum", "messdatum"),
    "attachment": ("attachments", "raw data", "data file", "anhang", "rohdaten"),
    "note": ("notes", "comment", "comments", "remark", "remarks", "bemerkung", "bemerkungen", "kommentar", "anmerkung"),
    "correction": ("reason for correction", "correction reason", "why corrected", "korrektur"),
}  # fmt: skip
# What stands in work orders for people to read, and says nothing of a result.
_FOR_PEOPLE: Final = (
    "iteration",
    "rank",
    "work order",
    "requested",
    "label",
    "due",
    "no",
    "nr",
    "row",
    "line",
)
_CONDITIONS: Final = (
    "temperature", "temp", "t", "ph", "pressure", "p", "electrolyte", "potential", "current density", "scan rate",
    "atmosphere", "gas", "humidity", "loading", "catalyst loading", "substrate", "solvent", "annealing temperature",
    "annealing time", "calcination temperature", "duration", "time", "wavelength", "frequency", "flow rate", "feed",
    "stirring", "rotation", "rotation rate", "temperatur", "druck", "dauer", "instrument", "device", "geraet", "gerat",
)  # fmt: skip
_DEVIATIONS: Final = FIELDS["standard_deviation"] + ("standard deviation", "dev", "unc", "err")
_SIGNS: Final = str.maketrans(
    {"±": " plusminus ", "\N{GREEK SMALL LETTER SIGMA}": " sigma ", "Δ": " delta ", "ß": "ss"}
)
_UNIT_FORMS: Final = (
    re.compile(r"(?P<base>.*?)\s*\[(?P<unit>[^\[\]]*)\]\s*(?P<rest>.*)"),
    re.compile(r"(?P<base>.*?)\s*\((?P<unit>[^()]*(?:\([^()]*\)[^()]*)*)\)\s*(?P<rest>.*)"),
    re.compile(r"(?P<base>[^/]*?)\s*/\s*(?P<unit>.+?)(?P<rest>)"),
    re.compile(r"(?P<base>[^,]*?)\s*,\s*(?P<unit>.+?)(?P<rest>)"),
    re.compile(r"(?P<base>.*?)\s+in\s+(?P<unit>.+?)(?P<rest>)"),
)
_NUMBERED: Final = re.compile(
    r"(?P<base>.*?)[\s_#.,-]*(?:rep(?:licate|eat)?|run|measurement|messung|nr|no)?[\s_#.,-]*(?P<number>\d{1,3})"
)

Kind = Literal["field", "property", "deviation", "condition", "ignored", "unknown"]


@dataclass(frozen=True)
class Column:
    """One column of a sheet.

    Attributes
    ----------
    index
        Where its cells stand in a row.
    header
        As written.
    name
        Of the field, property or condition; of a deviation that of its property, empty for the one of ``value``.
    unit
        That the header names.
    replicate
        That the header numbers.
    """

    index: int
    header: str
    kind: Kind
    name: str = ""
    unit: str = ""
    replicate: int | None = None


def squash(text: str) -> str:
    """Return a heading without case, accents, blanks and signs, by which headings are compared."""
    plain = unicodedata.normalize("NFKD", text.translate(_SIGNS)).casefold()
    return "".join(sign for sign in plain if sign.isalnum() and not unicodedata.combining(sign))


def read_header(cells: Sequence[object]) -> list[Column]:
    """Say what each column holds; columns without a heading are left out."""
    columns = []
    for index, cell in enumerate(cells):
        header = "" if cell is None else " ".join(str(cell).replace("\ufeff", "").split())
        if header:
            columns.append(replace(_describe(header), index=index))
    has_value = any(column.kind == "field" and column.name == "value" for column in columns)
    return [_attached(column, columns[:place], has_value) for place, column in enumerate(columns)]


def is_header(columns: Sequence[Column]) -> bool:
    """Tell whether a row of headings names what was measured and what of."""
    fields = {column.name for column in columns if column.kind == "field"}
    names_material = bool(fields & {"candidate", "material_id", "formula", "structure"})
    has_result = bool(fields & {"value", "outcome", "synthesis"}) or any(
        c.kind == "property" for c in columns
    )
    return names_material and has_result


def suggest(header: str) -> str:
    """Return which heading one that is not known may have meant, as a question; nothing where none comes close."""
    known = [*FIELDS, *known_properties()]
    return close_to(header.replace(" ", "_"), known)


def find_property(text: str) -> str | None:
    """Return the property that a cell or heading names, however it is spelled; None for none."""
    known = known_properties()
    return text if text in known else _properties(tuple(known)).get(squash(text))


def _describe(header: str) -> Column:
    column = _by_name(header)
    if column is not None:
        return replace(column, header=header)
    for form in _UNIT_FORMS:
        found = form.fullmatch(header)
        if found is None:
            continue
        base, unit = " ".join(f"{found['base']} {found['rest']}".split()), found["unit"].strip()
        column = _by_name(base)
        if column is None or column.kind == "unknown":
            continue
        if column.kind == "field" and column.name not in {"value", "standard_deviation", "variance"}:
            return replace(column, header=header)  # such as Date (yyyy-mm-dd)
        if column.kind == "condition":
            return replace(column, header=header, name=header)
        if squash(unit) in _squashed(_DEVIATIONS) and column.kind == "property":
            return Column(0, header, "deviation", column.name)
        if form in _UNIT_FORMS[:2] or not find_unit_problem(unit):
            return replace(column, header=header, unit=unit)
    return Column(0, header, "unknown")


def _by_name(header: str) -> Column | None:
    squashed = squash(header)
    field = _fields().get(squashed)
    if field is not None:
        return Column(0, header, "field", field)
    name = find_property(header)
    if name is not None:
        return Column(0, header, "property", name)
    of = _deviations(tuple(known_properties())).get(squashed)
    if of is not None:
        return Column(0, header, "deviation", of)
    if squashed in _squashed(_FOR_PEOPLE):
        return Column(0, header, "ignored")
    if squashed in _squashed(_CONDITIONS) or squashed.startswith("condition"):
        return Column(0, header, "condition", re.sub(r"(?i)^conditions?[\s.:_-]*", "", header) or header)
    numbered = _NUMBERED.fullmatch(header)
    if numbered is not None and numbered["base"]:
        column = _by_name(numbered["base"])
        if column is not None and (column.kind in ("property", "deviation") or column.name == "value"):
            return replace(column, replicate=int(numbered["number"]))
    return None


def _attached(column: Column, before: Sequence[Column], has_value: bool) -> Column:
    """Give a deviation without a name to the property in the column before it, in a sheet with one column a property."""
    if has_value or column.kind != "field" or column.name != "standard_deviation" or not before:
        return column
    last = before[-1]
    return (
        replace(column, kind="deviation", name=last.name, replicate=last.replicate)
        if last.kind == "property"
        else column
    )


@cache
def _fields() -> Mapping[str, str]:
    return dict(_spellings())


def _spellings() -> Iterator[tuple[str, str]]:
    for name, others in FIELDS.items():
        for spelling in (name, *others):
            yield squash(spelling), name


@lru_cache(maxsize=4)
def _properties(names: tuple[str, ...]) -> Mapping[str, str]:
    return {squash(label_of(name)): name for name in names} | {squash(name): name for name in names}


@lru_cache(maxsize=4)
def _deviations(names: tuple[str, ...]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for squashed, name in _properties(names).items():
        for word in _squashed(_DEVIATIONS):
            found |= {squashed + word: name, word + squashed: name, f"{word}of{squashed}": name}
    return found


@lru_cache(maxsize=8)
def _squashed(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(squash, words))
