"""OC20's published files that are read here: names, addresses and MD5s as the fairchem documentation gives them.

Not among them are the S2EF sets beyond 2 million frames (34 and 225 GB packed: data to train potentials on, not
labels) and archives of pickles, which are loaded from this machine if at all.
"""

from dataclasses import dataclass
from typing import Final

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.oc20.mapping import PickledMappingParser
from catalyst_assets.ingestion.oc20.relaxations import RelaxationParser
from catalyst_assets.ingestion.oc20.s2ef import S2efParser


@dataclass(frozen=True)
class PublishedFile:
    """A file of OC20.

    Attributes
    ----------
    kind
        Which parser reads it.
    adsorbate
        What all of its systems hold; empty if they differ.
    """

    name: str
    path: str
    md5: str
    kind: str
    adsorbate: str = ""


def _relaxations(adsorbate: str, number: int, md5: str) -> PublishedFile:
    path = f"per_adsorbate_is2res/{number}.tar"
    return PublishedFile(f"is2res_{adsorbate}", path, md5, RelaxationParser.kind, adsorbate)


def _frames(name: str, md5: str) -> PublishedFile:
    return PublishedFile(name, f"{name}.tar", md5, S2efParser.kind)


_FILES: Final = (
    _relaxations("O", 0, "d4151542856b4b6405f276808f75358a"),
    _relaxations("H", 1, "3697f04faf04251a23da8b88a78209f7"),
    _relaxations("OH", 2, "a21081f3f55eb0c98a91021bbe3dac44"),
    _frames("s2ef_train_200K", "f8d0909c2623a393148435dede7d3a46"),
    _frames("s2ef_train_2M", "953474cb93f0b08cdc523399f03f7c36"),
    _frames("s2ef_val_id", "f57f7f5c1302637940f2cc858e789410"),
    PublishedFile(
        "oc20_data_mapping",
        "oc20_data_mapping.pkl",
        "6b5d485019861f6e7efca38338375b61",
        PickledMappingParser.kind,
    ),
)
PUBLISHED: Final = {file.name: file for file in _FILES}
ADSORBATES: Final = {file.adsorbate: file for file in _FILES if file.adsorbate}


def find_published(adsorbates: list[str], names: list[str]) -> list[PublishedFile]:
    """Return the files of some adsorbates and those of some names, each once.

    Raises
    ------
    UsageError
        One is not known.
    """
    unknown = [f"adsorbate {name!r}" for name in adsorbates if name not in ADSORBATES]
    unknown += [f"file {name!r}" for name in names if name not in PUBLISHED]
    if unknown:
        raise UsageError(
            f"OC20 has no {', no '.join(unknown)} that is read here.",
            f"Adsorbates are {', '.join(sorted(ADSORBATES))}; files are {', '.join(PUBLISHED)}.",
        )
    chosen = [*(ADSORBATES[name] for name in adsorbates), *(PUBLISHED[name] for name in names)]
    return list(dict.fromkeys(chosen))
