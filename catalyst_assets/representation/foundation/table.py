"""The MACE foundation models that can be asked for by name: where each file is, its licence, its sha256.

Names and addresses are those of mace-torch 0.3.16 (``mace/calculators/foundations_models.py``), which publishes no
hashes. The licences are those of the table in https://github.com/ACEsuit/mace-foundations; for MACE-MH it says ASL,
although the code prints no notice. No hash was computed here: each is one that others published, and
``hash_source`` says who.
"""

import difflib
from dataclasses import dataclass
from typing import Final

from catalyst_assets.errors import UsageError

PUBLISHER_URL: Final = "https://github.com/ACEsuit"


class LicenceRefusedError(UsageError):
    """A model may not be used commercially, and nobody said that this use is none."""


@dataclass(frozen=True)
class Licence:
    """Terms under which weights are published.

    Attributes
    ----------
    label
        What they are called for short.
    commercial
        Whether they allow commercial use.
    """

    label: str
    name: str
    url: str
    commercial: bool


MIT: Final = Licence(
    "MIT", "MIT", "https://github.com/ACEsuit/mace-foundations/blob/main/LICENSE", commercial=True
)
ASL: Final = Licence(
    "ASL", "Academic Software Licence (non-commercial)", "https://github.com/gabor1/ASL", commercial=False
)


@dataclass(frozen=True)
class FoundationModel:
    """One published file of weights.

    Attributes
    ----------
    path
        Of the file, below the publisher's address or a mirror of it.
    sha256
        Of the file; None if nobody is known to have published it.
    hash_source
        Who published the hash.
    head
        Which readout is taken where the file holds several; empty if it holds one.
    """

    name: str
    path: str
    licence: Licence
    note: str
    sha256: str | None
    hash_source: str
    head: str = ""

    @property
    def file_name(self) -> str:
        """What the file is called in the model cache."""
        return self.path.rpartition("/")[2]

    def url(self, base_url: str = PUBLISHER_URL) -> str:
        """Return where the file is, at the publisher or at a mirror with the same paths."""
        return f"{base_url.rstrip('/')}/{self.path}"

    def require_licence(self, accept_noncommercial: bool) -> None:
        """Raise unless the terms allow any use, or the user says that theirs is allowed.

        Raises
        ------
        LicenceRefusedError
            The terms allow no commercial use and were not accepted.
        """
        if not self.licence.commercial and not accept_noncommercial:
            raise LicenceRefusedError(
                f"{self.name} is published under the {self.licence.name}, see {self.licence.url}.",
                "If your use is covered, say so: with --accept-noncommercial of `catalyst models fetch`, with the "
                "option accept_noncommercial of `backbone`, or with CATALYST_ACCEPT_NONCOMMERCIAL=true for both. "
                "Otherwise choose a model under MIT, such as medium-mpa-0.",
            )


_UPSTREAM: Final = "ACEsuit/mace tests/golden/foundation_artifacts.py at 2cae9e2"
_SYMMETRIX: Final = "bonan-group/symmetrix-xl benchmarks/foundation_model_support_manifest.json at 72f1f33"
_MP0: Final = (
    "several public reproduction records that give URL, size ({size} bytes) and sha256 and agree; "
    "none is the publisher's"
)
_MP: Final = "mace-mp/releases/download"
_FOUNDATIONS: Final = "mace-foundations/releases/download"
_MANY_HEADS: Final = "MACE-MH: several readouts, omat_pbe unless `head` names another."

FOUNDATION_MODELS: Final[dict[str, FoundationModel]] = {
    model.name: model
    for model in (
        FoundationModel(
            "small",
            f"{_MP}/mace_mp_0/2023-12-10-mace-128-L0_energy_epoch-249.model",
            MIT,
            "MACE-MP-0a, invariant messages; MPtrj (PBE+U), 89 elements.",
            "2ddb079cee0e131eaaf6912ba581b394551ead283e95c99cfe78c605d10b5736",
            _UPSTREAM,
        ),
        FoundationModel(
            "medium",
            f"{_MP}/mace_mp_0/2023-12-03-mace-128-L1_epoch-199.model",
            MIT,
            "MACE-MP-0a; MPtrj (PBE+U), 89 elements.",
            "01bfe22100139f424713cf921144e5509cbe353d67aa9fa1be9c6e1e0ed35845",
            _MP0.format(size="44,422,970"),
        ),
        FoundationModel(
            "large",
            f"{_MP}/mace_mp_0/MACE_MPtrj_2022.9.model",
            MIT,
            "MACE-MP-0a; MPtrj (PBE+U), 89 elements.",
            "f80e992b65ab8f88fdf26964511357c022e92704e4d9bcd086652635a8495b32",
            _MP0.format(size="133,803,220"),
        ),
        FoundationModel(
            "small-0b",
            f"{_MP}/mace_mp_0b/mace_agnesi_small.model",
            MIT,
            "MACE-MP-0b: better pair repulsion and isolated atoms.",
            "7e3a0abcaf41e03a80e69f778e1b11b29de1cca704783dc25917a736392f8cf0",
            _SYMMETRIX,
        ),
        FoundationModel(
            "medium-0b",
            f"{_MP}/mace_mp_0b/mace_agnesi_medium.model",
            MIT,
            "MACE-MP-0b: better pair repulsion and isolated atoms.",
            "ab8baff639a8f295f3eccad3d3ccf574efb6fb63220bd52cd88664211569e521",
            _SYMMETRIX,
        ),
        FoundationModel(
            "small-0b2",
            f"{_MP}/mace_mp_0b2/mace-small-density-agnesi-stress.model",
            MIT,
            "MACE-MP-0b2: stabler at high pressure.",
            "d5773bf9440e96d6eb8c598f84bd0e6369fcfa432f626a87f890e07da3c651c9",
            _SYMMETRIX,
        ),
        FoundationModel(
            "medium-0b2",
            f"{_MP}/mace_mp_0b2/mace-medium-density-agnesi-stress.model",
            MIT,
            "MACE-MP-0b2: stabler at high pressure.",
            "a90be07c8aa6623c390fcc4653d3e319c4a356f8b4a53d323f96b2012d375caf",
            _SYMMETRIX,
        ),
        FoundationModel(
            "large-0b2",
            f"{_MP}/mace_mp_0b2/mace-large-density-agnesi-stress.model",
            MIT,
            "MACE-MP-0b2: stabler at high pressure.",
            "348390e758e1c90011c7675e864850f8e9c5b3e7c217f79a2b4bad1baaa657ad",
            _SYMMETRIX,
        ),
        FoundationModel(
            "medium-0b3",
            f"{_MP}/mace_mp_0b3/mace-mp-0b3-medium.model",
            MIT,
            "MACE-MP-0b3: better phonons than 0b2.",
            "2f2be696351ac9e94fbe01cdfb6f017679acdbd2db7645209ef55fec9826b012",
            _SYMMETRIX,
        ),
        FoundationModel(
            "medium-mpa-0",
            f"{_MP}/mace_mpa_0/mace-mpa-0-medium.model",
            MIT,
            "MACE-MPA-0; MPtrj and sAlex (PBE+U); the most accurate for materials under MIT.",
            "75428afe3a1d7d8062e19bcaabd5c433623cabf308242ec9fb493e38604fb638",
            _UPSTREAM,
        ),
        FoundationModel(
            "small-omat-0",
            f"{_MP}/mace_omat_0/mace-omat-0-small.model",
            ASL,
            "MACE-OMAT-0; OMat24 (PBE+U).",
            "0abfde07862cf1e93b8b4d03cb702f29ce9c344ff2fc4de2ec0d7166d6c113a5",
            _SYMMETRIX,
        ),
        FoundationModel(
            "medium-omat-0",
            f"{_MP}/mace_omat_0/mace-omat-0-medium.model",
            ASL,
            "MACE-OMAT-0; OMat24 (PBE+U).",
            "d4b14be9afa294eebdbe31a0280b26a0fa29715771e978cbfd3ca24e0d90307a",
            _SYMMETRIX,
        ),
        FoundationModel(
            "mace-matpes-pbe-0",
            f"{_FOUNDATIONS}/mace_matpes_0/MACE-matpes-pbe-omat-ft.model",
            ASL,
            "MACE-OMAT-0 adapted to MatPES (PBE, no +U).",
            "e618ad582b84239905b9c3b77ce6e9ce111b0ecd1533223a1a6aac7a696b8aa0",
            _SYMMETRIX,
        ),
        FoundationModel(
            "mace-matpes-r2scan-0",
            f"{_FOUNDATIONS}/mace_matpes_0/MACE-matpes-r2scan-omat-ft.model",
            ASL,
            "MACE-OMAT-0 adapted to MatPES (r2SCAN).",
            "8f147ecffa1d06a696e5648b13b81abda9c96fda9d0fb3faba3cd3fb27d9bba9",
            _SYMMETRIX,
        ),
        FoundationModel(
            "mh-0",
            f"{_FOUNDATIONS}/mace_mh_1/mace-mh-0.model",
            ASL,
            _MANY_HEADS,
            "d62ff8f293664e6556cfa49364b28ee72a70cf1e6150f3c111a578397fed609d",
            _SYMMETRIX,
            head="omat_pbe",
        ),
        FoundationModel(
            "mh-1",
            f"{_FOUNDATIONS}/mace_mh_1/mace-mh-1.model",
            ASL,
            _MANY_HEADS,
            "a522eb7f59c7879963d41586528f4980baf33e086c94aa92e3eafdeccad3be47",
            _SYMMETRIX + "; one other public project records another file of this name (ec00a270…)",
            head="omat_pbe",
        ),
    )
}


def find_model(name: str) -> FoundationModel:
    """Return the foundation model of a name.

    Raises
    ------
    UsageError
        None is called so.
    """
    if name not in FOUNDATION_MODELS:
        near = difflib.get_close_matches(name, FOUNDATION_MODELS, n=3, cutoff=0.5)
        guess = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(
            f"There is no foundation model {name!r}.", f"{guess}`catalyst models foundation` lists them."
        )
    return FOUNDATION_MODELS[name]


def find_published(sha256: str) -> FoundationModel | None:
    """Return the foundation model whose file has a hash, wherever a copy of it lies."""
    return next((model for model in FOUNDATION_MODELS.values() if model.sha256 == sha256), None)
