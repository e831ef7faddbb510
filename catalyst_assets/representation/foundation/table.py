"""The MACE foundation models that can be asked for by name, as `models.yaml` beside this module lists them."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from catalyst_assets.errors import UsageError
from resources.yaml_files import read_yaml

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
_LICENCES: Final = {licence.label: licence for licence in (MIT, ASL)}


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


def _read_models(path: Path) -> dict[str, FoundationModel]:
    models = read_yaml(path, "table of models")["models"]
    return {
        name: FoundationModel(**entry | {"name": name, "licence": _LICENCES[entry["licence"]]})
        for name, entry in models.items()
    }


FOUNDATION_MODELS: Final = _read_models(Path(__file__).with_name("models.yaml"))


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
