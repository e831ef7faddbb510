"""A table of a file of results: its columns, as far as they are understood, and its numbered rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from catalyst_assets.validation.submissions.reading.columns import Column, read_header
from catalyst_assets.validation.submissions.reading.problems import Problems


@dataclass
class Sheet:
    """One table of a file.

    Attributes
    ----------
    columns
        Those with a heading.
    rows
        Number and cells of each row below the header; cells may be fewer than columns. To be read once.
    place
        What a row's number counts, with ``{}`` for it: ``line {}``.
    header_place
        Where the header stands.
    delimiter
        Of text; empty for typed cells.
    defaults
        What the file says once for all rows, by field.
    """

    columns: Sequence[Column]
    rows: Iterator[tuple[int, Sequence[object]]]
    place: str
    header_place: str = "the header"
    delimiter: str = ""
    defaults: Mapping[str, object] = field(default_factory=dict)


def tell_no_header(cells: Sequence[object], place: str, problems: Problems) -> None:
    """Note that no row names what was measured, and what the nearest to a header has."""
    held = [column.header for column in read_header(cells)]
    problems.add(
        place,
        "",
        ", ".join(held) if held else "",
        "names no material, or nothing that was measured" if held else "the file has no header",
        "Give a first row of headings: candidate, material_id or formula, and property, value, unit and method, "
        "or one column a property such as `band_gap [eV]`. "
        "`catalyst validation export CAMPAIGN` writes a file to fill in.",
    )
