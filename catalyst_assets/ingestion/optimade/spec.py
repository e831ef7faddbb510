"""OPTIMADE: what may be asked of its providers, and when."""

from typing import Annotated, Final

from pydantic import Field

from catalyst_assets.ingestion.sources.spec import WEEKLY, Option, Schedule, SourceConfig, SourceSpec


class OptimadeConfig(SourceConfig):
    """Which providers are read, and what of them."""

    providers: Annotated[
        list[str],
        Option(
            "--provider", "Name of a known provider, such as oqmd, or a YAML file; may be repeated.", "yaml"
        ),
    ] = Field(default_factory=list, description="Names of known providers, or paths of provider files.")
    filter: Annotated[
        str, Option("--filter", """OPTIMADE filter, such as 'elements HAS "O" AND nelements=3'.""")
    ] = Field(default="", description="OPTIMADE filter of the entries wanted; all if empty.")
    most_entries: Annotated[
        int | None,
        Option("--limit", "Leave a provider after so many entries; the same command goes on there."),
    ] = Field(
        default=None, ge=1, description="Entries after which a provider is left; the next refresh goes on."
    )


SPEC: Final = SourceSpec(
    name="optimade",
    title="the OPTIMADE providers",
    description="Pages of OPTIMADE providers, as received: what is new since the last refresh.",
    kinds=frozenset({"json"}),
    downloads="Pages of JSON from each provider: the structures that the filter names.",
    licence="each provider's own, as its file says",
    config=OptimadeConfig,
    parsers=("entries:OptimadeParser",),
    schedule=Schedule("7 4 * * 0", *WEEKLY),
    lacks=lambda config, settings: (
        "" if config.providers else "providers: names of known ones, or provider files"
    ),
    help="""Load crystals and their properties from databases that speak OPTIMADE.

    Asks for what changed since the last time; a refresh that was interrupted goes on where it was.
    """,
)
