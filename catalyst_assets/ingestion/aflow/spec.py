"""AFLOW: what may be asked of it, and when."""

from typing import Annotated, Final

from pydantic import Field

from catalyst_assets.ingestion.sources.spec import WEEKLY, Option, Schedule, SourceConfig, SourceSpec

NAME: Final = "aflow"
ENDPOINT: Final = "https://aflow.org/API/aflux/"
LICENCE: Final = "unresolved: cite Curtarolo 2012, Rose 2017"


class AflowConfig(SourceConfig):
    """What of AFLOW is read."""

    matchbook: Annotated[str, Option("--match", "AFLUX conditions, such as 'species(Ti,O),nspecies(2)'.")] = (
        Field(description="AFLUX conditions, such as species(Ti,O),nspecies(2).")
    )
    most_entries: Annotated[
        int | None, Option("--limit", "Stop after so many entries; the same command goes on there.")
    ] = Field(default=None, ge=1, description="Entries after which to stop; the next refresh goes on.")
    endpoint: Annotated[
        str, Option("--endpoint", "Where AFLUX is, if not at AFLOW's own address.", known_address=ENDPOINT)
    ] = Field(default="", description="Where AFLUX is; AFLOW's own if empty.")


SPEC: Final = SourceSpec(
    name=NAME,
    title="AFLOW",
    description="Pages of AFLOW's search, as received: what is new since the last refresh.",
    kinds=frozenset({"json"}),
    downloads=f"Pages of JSON from {ENDPOINT}: the entries that the matchbook names.",
    licence=LICENCE,
    config=AflowConfig,
    parsers=("entries:AflowParser",),
    schedule=Schedule("37 3 * * 0", *WEEKLY),
    lacks=lambda config, settings: (
        "" if config.matchbook else "a matchbook, which says what is taken of AFLOW"
    ),
    help="""Load crystals, gaps and formation energies from AFLOW, the newest first.

    Asks for what is newer than the last time; a refresh that was interrupted goes on where it was.
    """,
)
