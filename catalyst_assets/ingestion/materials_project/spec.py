"""The Materials Project: what may be asked of it, and when; the key comes from the environment alone."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Final

from pydantic import Field

from catalyst_assets.ingestion.sources.spec import DAILY, Option, Schedule, SourceConfig, SourceSpec

if TYPE_CHECKING:
    from resources.settings import Settings

NAME: Final = "materials_project"
LICENCE: Final = "CC-BY-4.0"
ENDPOINT: Final = "https://api.materialsproject.org/"
TABLE: Final = "s3a://materialsproject-build/collections/summary/"


class MaterialsProjectConfig(SourceConfig):
    """What of the Materials Project is read; the key comes from the environment alone."""

    trusted_fields: ClassVar = ("table_options",)

    chemsys: Annotated[
        list[str], Option("--chemsys", "Only this chemical system, such as Fe-O; may be repeated.")
    ] = Field(default_factory=list, description="Chemical systems, such as Fe-O; any if none.")
    elements: Annotated[
        list[str],
        Option("--element", "Only what holds this element; may be repeated, all must be there."),
    ] = Field(default_factory=list, description="Elements that must be there.")
    exclude_elements: Annotated[
        list[str], Option("--exclude", "Nothing that holds this element; may be repeated.")
    ] = Field(default_factory=list, description="Elements that must not.")
    material_ids: Annotated[
        list[str], Option("--material", "Only this material, such as mp-149; may be repeated.")
    ] = Field(default_factory=list, description="Names of materials; any if none.")
    include_non_commercial: Annotated[
        bool,
        Option("--include-non-commercial", "Take materials whose licence forbids commercial use, too."),
    ] = Field(default=False, description="Take materials, too, whose licence forbids commercial use.")
    most_entries: Annotated[
        int | None, Option("--limit", "Stop after so many documents; the same command goes on there.")
    ] = Field(default=None, ge=1, description="Documents after which to stop; the next refresh goes on.")
    batch_size: int = Field(default=250, ge=1, le=500, description="Documents asked for at a time.")
    endpoint: Annotated[
        str,
        Option("--endpoint", "Where the interface is, if not at its own address.", known_address=ENDPOINT),
    ] = Field(default="", description="Where the interface is; its own if empty.")
    full_table: Annotated[
        bool, Option("--full-table", "Read all of the open table instead; very large, needs no key.")
    ] = Field(
        default=False, description="Read all of the open table instead of asking the interface: very large."
    )
    table_uri: Annotated[
        str, Option("--table", "Where the open table is, if not at its own address.", known_address=TABLE)
    ] = Field(default="", description="Where the table is; its own place if empty.")
    table_options: dict[str, str] | None = Field(
        default=None, description="How deltalake reaches the table's store; unsigned in us-east-1 if none."
    )

    @property
    def interface(self) -> str:
        """Where the interface is, with a slash at its end."""
        return (self.endpoint or ENDPOINT).rstrip("/") + "/"


def _lacks(config: MaterialsProjectConfig, settings: "Settings") -> str:
    return "" if config.full_table or settings.mp_api_key else "a key: set MP_API_KEY"


SPEC: Final = SourceSpec(
    name=NAME,
    title="the Materials Project",
    description="Summary documents of the Materials Project, as received: what changed since the last refresh.",
    kinds=frozenset({"json", "parquet"}),
    downloads=f"Summary documents from {ENDPOINT}; if it is asked for, the whole open table {TABLE}.",
    licence=f"{LICENCE}; CC-BY-NC-4.0 with include_non_commercial",
    config=MaterialsProjectConfig,
    parsers=("documents:SummaryParser", "table_files:SummaryTableParser", "index:IndexParser"),
    refresh="refresh:refresh_source",
    require="refresh:require",
    schedule=Schedule("17 3 * * *", *DAILY),
    lacks=_lacks,
    help="""Load crystals, energies and gaps from the Materials Project; your key is read from MP_API_KEY.

    Asks for the database's version first, and for nothing else when it is known. Of a new one, what changed is
    fetched; a refresh that was interrupted goes on where it was.
    """,
)
