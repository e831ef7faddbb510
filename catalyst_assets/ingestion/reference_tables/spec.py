"""Reference tables: which of them may be asked for."""

from typing import Annotated, Final

from pydantic import Field

from catalyst_assets.ingestion.sources.spec import Option, SourceConfig, SourceSpec


class ReferenceTablesConfig(SourceConfig):
    """Which tables are read beyond the shipped perovskites."""

    shipped: Annotated[
        list[str],
        Option(
            "--shipped", "Shipped table beyond perovskite_pbe: hydrogen_alloys, oer_plates; may be repeated."
        ),
    ] = Field(default_factory=list, description="Names of shipped tables beyond perovskite_pbe.")

    mapping_files: Annotated[
        list[str],
        Option("--mapping", "Mapping file of a table beyond those shipped; may be repeated.", "all"),
    ] = Field(
        default_factory=list, description="Paths of mapping files; each names its table and its columns."
    )


SPEC: Final = SourceSpec(
    name="reference_tables",
    title="the reference tables",
    description="Tables with mapping files, as received: the shipped set and what the configuration names.",
    kinds=frozenset({"csv", "parquet"}),
    downloads="Nothing: files on this machine.",
    licence="each table's own, as its mapping file says",
    config=ReferenceTablesConfig,
    parsers=("source:TableParser",),
    help="""Load tables: CSV or Parquet files or ASE databases, each with a mapping file that says what its columns are.

    The table that is shipped is loaded, too.
    """,
)
