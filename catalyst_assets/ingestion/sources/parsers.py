"""Which parser reads the raw files of a kind: those that the sources name, and that of crystals which came with results."""

from collections.abc import Mapping
from typing import Final

from catalyst_assets.ingestion.laboratory.crystals import LaboratoryParser
from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.ingestion.sources.spec import Parser

PARSERS_OF: Final[Mapping[str, tuple[Parser, ...]]] = {spec.name: spec.make_parsers() for spec in SOURCES}
PARSERS: Final[Mapping[str, Parser]] = {
    parser.kind: parser for parsers in (*PARSERS_OF.values(), (LaboratoryParser(),)) for parser in parsers
}
