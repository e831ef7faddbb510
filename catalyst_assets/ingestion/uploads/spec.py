"""Uploads: which files may be named on the command line, and which uploads a run takes."""

from typing import Annotated, Final

from pydantic import Field

from catalyst_assets.ingestion.sources.spec import Option, SourceConfig, SourceSpec

LICENCE: Final = "the author's own"


class UploadsConfig(SourceConfig):
    """What is taken: files of this machine, and uploads that wait."""

    files: Annotated[
        list[str],
        Option("", "Files of structures (CIF, POSCAR, JSON), or lists of formulas (*.txt, *.csv).", "all"),
    ] = Field(default_factory=list, description="Paths of files of structures, or of lists of formulas.")
    prototype: Annotated[
        str, Option("--prototype", "What lists of formulas are put on, such as cubic_perovskite.")
    ] = Field(default="", description="Prototype that lists of formulas are put on.")
    author: Annotated[
        str, Option("--author", "Whose candidates they are; you, if not given.", needs_trust=True)
    ] = Field(default="", description="Whose candidates the files are; empty for the user who runs it.")
    uploads: list[int] = Field(default_factory=list, description="Numbers of uploads that wait.")


SPEC: Final = SourceSpec(
    name="uploads",
    title="what people upload",
    description="Candidates that people uploaded, through the API or at the command line, with their author.",
    kinds=frozenset({"cif", "json"}),
    downloads="Nothing: what was sent to the API, and files on this machine.",
    licence=LICENCE,
    config=UploadsConfig,
    parsers=("source:UploadParser",),
    lacks=lambda config, settings: (
        "" if config.files or config.uploads else "files, or an upload through the API"
    ),
    help="""Take candidates of your own: CIF, POSCAR, JSON of pymatgen, or formulas on a prototype.

    They join the pools of campaigns whose `source` is `uploads`, or that name no source, under the author's name. A list
    of formulas has one a line, or a column `formula` (and, where they differ, `prototype`). The same files again
    change nothing.
    """,
)
