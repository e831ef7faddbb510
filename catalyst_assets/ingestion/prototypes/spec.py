"""Prototypes: which enumerations may be asked for."""

from typing import Annotated, Final

from pydantic import Field

from catalyst_assets.ingestion.sources.spec import Option, SourceConfig, SourceSpec

LICENCE: Final = "none needed: enumerated here"


class PrototypesConfig(SourceConfig):
    """What is enumerated."""

    files: Annotated[
        list[str], Option("", "YAML files: a prototype, and the species that its sites may hold.", "all")
    ] = Field(description="Paths of enumerations: a prototype and species for its sites.")


SPEC: Final = SourceSpec(
    name="prototypes",
    title="the enumerations",
    description=(
        "Files that say which hypothetical crystals are enumerated: prototypes, and species for their sites."
    ),
    kinds=frozenset({"yaml"}),
    downloads="Nothing: files on this machine.",
    licence=LICENCE,
    config=PrototypesConfig,
    parsers=("source:EnumerationParser",),
    lacks=lambda config, settings: "" if config.files else "files: YAML files that say what is enumerated",
    help="""Enumerate hypothetical crystals: candidates that nobody has computed.

    Prototypes are cubic_perovskite (ABX3), mixed_anion_perovskite (ABX2Y), double_perovskite (A2BCX6), spinel (AB2X4)
    and rutile (MX2): kept is what is neutral in common oxidation states, its cations less electronegative than its
    anions. And alloys: A1 (fcc), A2 (bcc), A3 (hcp), B2 and L1_0 (AB), L1_2 and D0_3 (A3B), L2_1 (Heusler's, A2BC),
    C14 and C15 (Laves phases, AB2).
    """,
)
