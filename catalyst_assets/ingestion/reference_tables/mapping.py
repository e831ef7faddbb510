"""What a mapping file says of a table: which columns make the crystal, which hold values, whose they are.

The YAML is validated here and nowhere else. Reading the table itself is `reading.tables`' business, turning its
rows into records that of `records`.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalyst_assets.ingestion.reading.compositions import read_composition
from catalyst_assets.ingestion.reading.spelling import Spelling
from catalyst_assets.ingestion.reading.tables import ASE_SUFFIXES
from catalyst_assets.vocabulary.known import known_methods, known_properties, stored_as, unit_of
from catalyst_assets.vocabulary.units import Conversion
from catalyst_assets.vocabulary.words import WHERE_DECLARED, close_to
from resources.yaml_files import read_model

Column = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PrototypeColumns(_Model):
    """Columns that name the elements of an ideal crystal; no relaxed structure is read."""

    prototype: Literal["cubic_perovskite"]
    a_site: Column = "A"
    b_site: Column = "B"
    anions: Column = "anion"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the structure is made from."""
        return self.a_site, self.b_site, self.anions


class FormulaColumns(_Model):
    """Columns with a formula and the prototype that it is put on; the ideal crystal follows from both."""

    formula: Column
    prototype: Column

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the structure is made from."""
        return self.formula, self.prototype


class CifColumn(_Model):
    """A column with the whole crystal as CIF text."""

    cif: Column

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the structure is made from."""
        return (self.cif,)


class DatabaseAtoms(_Model):
    """The atoms of each row of an ASE database."""

    atoms: Literal[True]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the structure is made from: none that has a name."""
        return ()


class CompositionColumn(_Model):
    """A column with elements and their amounts; no structure is known."""

    composition: Column

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the material is made from."""
        return (self.composition,)


class PropertyColumn(_Model):
    """What the numbers of one column are."""

    property: str = Field(description="A known property.")
    unit: str = Field(
        description="The unit of the column; its numbers are converted to the one the property is stored in."
    )
    method: str = Field(description="A known method.")
    required: bool = Field(default=True, description="A row without this value is refused.")
    plausible: bool = Field(
        default=False, description="The numbers are right although they look as if they were in another unit."
    )

    @model_validator(mode="after")
    def _known_words_and_unit(self) -> "PropertyColumn":
        problems, known = [], known_properties().get(self.property)
        if self.method not in known_methods():
            close = close_to(self.method, known_methods())
            problems.append(f"'{self.method}' is not a known method{close}")
        if known is None:
            close = close_to(self.property, known_properties())
            problems.append(f"'{self.property}' is not a known property{close}")
        if problems:
            raise ValueError(f"{'; '.join(problems)} ({WHERE_DECLARED})")
        try:
            stored_as(self.property, self.unit)
        except ValueError as error:
            raise ValueError(f"{self.property} is stored in {unit_of(self.property)}: {error}") from None
        return self

    @cached_property
    def stored(self) -> tuple[str, Conversion]:
        """The unit that the property is stored in, and how the column's numbers become numbers in it."""
        return stored_as(self.property, self.unit)


class TableMapping(_Model):
    """One table of one source.

    The table's rows become materials named ``<source>:<record>``.
    """

    source: str = Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=60)
    table: str = Field(
        min_length=1,
        description="CSV or Parquet file, or ASE database (.db, .json), relative to the mapping file.",
    )
    licence: str = Field(min_length=1)
    citation: str = ""
    structure: PrototypeColumns | FormulaColumns | CifColumn | CompositionColumn | DatabaseAtoms
    record: tuple[Column, ...] = Field(
        default=(),
        description="Columns whose text, joined, names a record; for a prototype its columns if not given, formula "
        "or not, for a composition its reduced formula.",
    )
    separator: str = Field(
        default="_",
        max_length=1,
        pattern=r"^[!-\[\]-~]?$",
        description="Stands between the columns of a record's name; where a cell holds it, \\ stands before it.",
    )
    delimiter: Literal[",", ";", "\t", "|"] = Field(default=",", description="Stands between cells of a CSV.")
    decimal: Literal[".", ","] = Field(default=".", description="Decimal sign of numbers that are text.")
    missing: tuple[str | int | float, ...] = Field(
        default=(),
        description="What stands for no value in property columns, beside reading.spelling.MISSING.",
    )
    answers: bool = Field(
        default=False,
        description="The values are what a validator will be asked for: nothing else may read them.",
    )
    properties: dict[Column, PropertyColumn] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> "TableMapping":
        if isinstance(self.structure, DatabaseAtoms) and not self.table.endswith(ASE_SUFFIXES):
            raise ValueError(f"structure: only an ASE database ({', '.join(ASE_SUFFIXES)}) has atoms")
        if not self.record and isinstance(self.structure, CifColumn | DatabaseAtoms):
            raise ValueError("record: name the columns that identify a row, for instance record: [id]")
        if self.answers and not self.properties:
            raise ValueError("answers: name at least one column under properties")
        seen: dict[tuple[str, str], str] = {}
        for column, content in self.properties.items():
            key = (content.property, content.method)
            if key in seen:
                raise ValueError(f"columns '{seen[key]}' and '{column}' both hold {key[0]} by {key[1]}")
            seen[key] = column
        return self

    @property
    def record_columns(self) -> tuple[str, ...]:
        """The columns that name a record."""
        return self.record or self.structure.columns

    def name_record(self, cells: Sequence[str]) -> str:
        """Return the name of a record from the text of its columns; other text gives another name.

        Raises
        ------
        UnreadableStructureError
            It is named by a composition, and the text is none.
        """
        if isinstance(self.structure, CompositionColumn) and not self.record:
            # Spellings of one composition are one record.
            return read_composition(cells[0]).formula
        # Elements and a formula need nothing between them: SrTiO3.
        of_prototype = (
            isinstance(self.structure, PrototypeColumns) and self.record_columns == self.structure.columns
        )
        if len(cells) == 1 or of_prototype or not self.separator:
            return "".join(cells)
        escaped = (cell.replace("\\", r"\\").replace(self.separator, f"\\{self.separator}") for cell in cells)
        return self.separator.join(escaped)

    @cached_property
    def spelling(self) -> Spelling:
        """How the table spells numbers, and what it writes where there is none."""
        return Spelling(self.decimal, self.missing)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the table must have."""
        return tuple(dict.fromkeys((*self.record_columns, *self.structure.columns, *self.properties)))

    @property
    def long_columns(self) -> tuple[str, ...]:
        """The columns whose cells may hold line breaks."""
        return self.structure.columns if isinstance(self.structure, CifColumn) else ()

    @property
    def table_name(self) -> str:
        """The table's file name, by which messages and quarantine name it."""
        return Path(self.table).name


def load_mapping(path: Path) -> TableMapping:
    """Read a mapping file.

    Raises
    ------
    UsageError
        The file is missing, is not YAML, or says something the platform does not know.
    """
    return read_model(path, TableMapping, "mapping file")
