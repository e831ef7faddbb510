"""OC20: which of its files may be asked for."""

from typing import Annotated, Final

from pydantic import Field

from catalyst_assets.ingestion.sources.spec import Option, SourceConfig, SourceSpec

NAME: Final = "oc20"
LICENCE: Final = "CC-BY-4.0"
BASE_URL: Final = "https://dl.fbaipublicfiles.com/opencatalystproject/data/"


class Oc20Config(SourceConfig):
    """Which files of OC20 are read."""

    adsorbates: Annotated[
        list[str], Option("--adsorbate", "H, O or OH: its archive of relaxations; may be repeated.")
    ] = Field(default_factory=list, description="Adsorbates whose relaxations are read: H, O, OH.")
    files: Annotated[
        list[str],
        Option("--file", "Another published file, such as s2ef_train_200K; may be repeated."),
    ] = Field(default_factory=list, description="Names of other published files.")
    paths: Annotated[
        list[str],
        Option(
            "--path",
            "A file on this machine: .tar, .extxyz.xz, .aselmdb, .csv, mapping .json; may be repeated.",
            "all",
        ),
    ] = Field(default_factory=list, description="Files on the machine that reads them.")
    base_url: Annotated[
        str,
        Option("--base-url", "Where the files are, if not at their own address.", known_address=BASE_URL),
    ] = Field(default="", description="Where the published files are; their own place if empty.")
    allow_pickles: Annotated[
        bool,
        Option(
            "--allow-pickles",
            "Read .pkl and .lmdb, too: apart, and nothing but plain data in them.",
            needs_trust=True,
        ),
    ] = Field(
        default=False, description="Read pickles, too, in a process of their own and as plain data only."
    )


SPEC: Final = SourceSpec(
    name=NAME,
    title="OC20",
    description=(
        "OC20's relaxations, and what is known of their systems, as published; each file is fetched once."
    ),
    kinds=frozenset({"extxyz"}),
    downloads=f"The named files from {BASE_URL}, each once: up to 1.6 GB an archive of relaxations.",
    licence=LICENCE,
    config=Oc20Config,
    parsers=(
        "relaxations:RelaxationParser",
        "s2ef:S2efParser",
        "lmdb_files:AseLmdbParser",
        "mapping:MappingParser",
        "label_tables:EnergyTableParser",
        "lmdb_files:PickledLmdbParser",
        "mapping:PickledMappingParser",
    ),
    lacks=lambda config, settings: (
        "" if config.adsorbates or config.files or config.paths else "adsorbates, files or paths to read"
    ),
    help="""Load adsorption energies from the Open Catalyst 2020 dataset: labels of the bulks in the Materials Project.

    The archives have 0.9 (H), 1.0 (O) and 1.6 GB (OH). Each is downloaded once; a download that was interrupted goes
    on where it was. Which bulk a slab was cut from says oc20_data_mapping, a pickle.
    """,
)
