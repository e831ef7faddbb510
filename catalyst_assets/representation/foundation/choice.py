"""Which network is to describe structures, as a person asks for it, and how it comes about.

A choice is checked before anything is made or fetched: names, licence, hash. What it leads to is named by its
recipe, so a choice that was met before costs nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import UsageError
from catalyst_assets.potentials.table import find_potential, known_potentials
from catalyst_assets.representation.backbones import Backbone, Origin, OriginKind, build_backbone
from catalyst_assets.representation.foundation.download import ModelCache, ModelFile, open_local, require_pin
from catalyst_assets.representation.foundation.potentials import (
    potential_backbone,
    potential_recipe,
)
from catalyst_assets.representation.foundation.table import (
    FOUNDATION_MODELS,
    FoundationModel,
    find_model,
    find_published,
)
from catalyst_assets.representation.networks.configs import (
    DimeNetConfig,
    MaceConfig,
    SchNetConfig,
    config_to_json,
)
from resources.confinement import require_allowed_file
from resources.setting_types import names_file

if TYPE_CHECKING:
    from resources.settings import Settings


class Source(StrEnum):
    """Where a network comes from."""

    SMALL_MACE = "small_mace"
    SCHNET = "schnet"
    DIMENET = "dimenet"
    FOUNDATION = "foundation"
    POTENTIAL = "potential"
    FILE = "file"


_BUILT_HERE: Final[dict[Source, type[MaceConfig | SchNetConfig | DimeNetConfig]]] = {
    Source.SMALL_MACE: MaceConfig,
    Source.SCHNET: SchNetConfig,
    Source.DIMENET: DimeNetConfig,
}
_NAMED: Final = (Source.FOUNDATION, Source.POTENTIAL)
UNKNOWN_LICENCE: Final = "as its owner says"


@dataclass(frozen=True)
class BackboneChoice:
    """A network as it was asked for.

    Attributes
    ----------
    name
        Of a foundation model or a potential.
    path
        Of a MACE file.
    sha256
        Of the file, as the user knows it; it takes precedence over our table.
    head
        Which readout of a file that holds several; empty for the only one, or for the table's.
    seed
        Of the weights of a network that is built here.
    """

    source: Source
    name: str = ""
    path: Path | None = None
    sha256: str | None = None
    head: str = ""
    seed: int = 0
    accept_noncommercial: bool = False

    @classmethod
    def of(
        cls,
        settings: "Settings",
        source: str | None = None,
        name: str | None = None,
        path: str | None = None,
        sha256: str | None = None,
        head: str | None = None,
        seed: int = 0,
        accept_noncommercial: bool = False,
    ) -> "BackboneChoice":
        """Return what is asked for, and where nothing is, what the settings say.

        Raises
        ------
        UsageError
            It names no network, contradicts itself, or the hash is none.
        """
        if source is None and name is None and path is None:
            found, name, path = _read_setting(settings)
            sha256, head = sha256 or settings.backbone_sha256, head or settings.backbone_head
        else:
            found = _find_source(source, name, path, settings)
        if found is Source.FOUNDATION:
            find_model(name or "")
        elif found is Source.POTENTIAL:
            find_potential(name or "", settings)
        elif found is Source.FILE and not path:
            raise UsageError("A network from a file needs its path.", "Give `path` too.")
        return cls(
            found,
            (name or "") if found in _NAMED else "",
            Path(path).expanduser().absolute() if found is Source.FILE and path else None,
            require_pin(sha256) if sha256 else None,
            head or "",
            seed,
            accept_noncommercial,
        )

    @classmethod
    def of_run(
        cls, settings: "Settings", *, path: str | None = None, sha256: str | None = None, **asked: Any
    ) -> "BackboneChoice":
        """Return what a run's configuration asks for, which vouches for no file: that is for settings and our table.

        Raises
        ------
        UsageError
            As :meth:`of`; or its path is where runs may not read, or its hash is none that we know.
        """
        if path is not None and str(Path(path).expanduser().absolute()) != settings.backbone:
            path = str(require_allowed_file(Path(path), settings, "path of backbone"))
        known = settings.backbone_sha256
        if sha256 is None:
            sha256 = known if path else None
        elif require_pin(sha256) != (known and require_pin(known)) and find_published(sha256) is None:
            raise UsageError(
                f"A run's configuration cannot vouch for a file: the hash {sha256} is neither of a model in "
                "`catalyst models foundation` nor in CATALYST_BACKBONE_SHA256.",
                "If you know who made the file, set CATALYST_BACKBONE_SHA256 where `catalyst up` is started.",
            )
        return cls.of(settings, path=path, sha256=sha256, **asked)

    @property
    def model(self) -> FoundationModel | None:
        """The entry of our table, if one was chosen."""
        return find_model(self.name) if self.source is Source.FOUNDATION else None

    @property
    def licence(self) -> str:
        """Terms under which the weights may be used; a potential's are with the origin of the backbone."""
        if self.source in _BUILT_HERE:
            return "none needed: built here"
        published = self.model or find_published(self.sha256 or "")
        return published.licence.name if published else UNKNOWN_LICENCE

    def recipe(self, settings: "Settings") -> dict[str, Any]:
        """Return what decides which network this leads to, as JSON values; fetches and opens nothing.

        Raises
        ------
        LicenceRefusedError
            The licence allows no commercial use and was not accepted.
        UnpinnedModelError
            The hash of the file is not known.
        UsageError
            There is no such file.
        """
        if self.source in _BUILT_HERE:
            return {"kind": "seeded", "seed": self.seed, "config": config_to_json(_BUILT_HERE[self.source]())}
        if self.source is Source.POTENTIAL:
            return potential_recipe(self.name, settings)
        if self.model is None:
            return {"kind": "file", "file_sha256": self._open_file(settings).sha256, "head": self.head}
        pin = ModelCache.of(settings, self.accept_noncommercial).require_usable(self.model, self.sha256)
        return {
            "kind": "foundation",
            "name": self.name,
            "file_sha256": pin,
            "head": self.head or self.model.head,
        }

    def make(self, settings: "Settings") -> Backbone:
        """Build, or fetch and convert, the network.

        Raises
        ------
        CatalystError
            As :meth:`recipe`, and where the file cannot be fetched, is another, or holds what we have not.
        """
        if self.source in _BUILT_HERE:
            return build_backbone(_BUILT_HERE[self.source](), self.seed)
        if self.source is Source.POTENTIAL:
            return potential_backbone(self.name, settings)
        if self.model is None:
            return _convert(OriginKind.FILE, self._open_file(settings), self.head, {})
        file = ModelCache.of(settings, self.accept_noncommercial).fetch(self.model, self.sha256)
        named = {"name": self.name, "licence": self.model.licence.name}
        return _convert(OriginKind.FOUNDATION, file, self.head or self.model.head, named)

    def _open_file(self, settings: "Settings") -> ModelFile:
        file = open_local(self.path or Path(), self.sha256)
        if (published := find_published(file.sha256)) is not None:
            # Terms go with the weights, whatever the file is called.
            published.require_licence(settings.accept_noncommercial or self.accept_noncommercial)
        return file


def _convert(kind: OriginKind, file: ModelFile, head: str, named: dict[str, Any]) -> Backbone:
    from catalyst_assets.representation.foundation.convert import convert

    converted = convert(file, head)
    details = {**named, "file_sha256": file.sha256, "file_dtype": converted.dtype, "head": converted.head}
    return Backbone.of(converted.config, converted.network, Origin(kind, details))


def _read_setting(settings: "Settings") -> tuple[Source, str | None, str | None]:
    value = settings.backbone
    if names_file(value):
        return Source.FILE, None, value
    if value in {source.value for source in _BUILT_HERE}:
        return Source(value), None, None
    if value in FOUNDATION_MODELS:
        return Source.FOUNDATION, value, None
    if value in (potentials := known_potentials(settings)):
        return Source.POTENTIAL, value, None
    raise UsageError(
        f"CATALYST_BACKBONE={value} names no network.",
        f"Give {', '.join(_BUILT_HERE)}, the path of a .model file, the name of a foundation model "
        f"({', '.join(FOUNDATION_MODELS)}) or that of a potential ({', '.join(potentials)}).",
    )


def _find_source(source: str | None, name: str | None, path: str | None, settings: "Settings") -> Source:
    if name and path:
        raise UsageError("A network has a name or a path, not both.", "Leave one of them out.")
    of_name = Source.POTENTIAL if name in known_potentials(settings) else Source.FOUNDATION
    implied = Source.FILE if path else of_name if name else None
    if source is None:
        return implied or Source.SMALL_MACE
    try:
        asked = Source(source)
    except ValueError:
        raise UsageError(
            f"{source!r} is no source of networks.", f"Give one of {', '.join(Source)}."
        ) from None
    if implied is not None and asked is not implied:
        what = f"the path {path}" if path else f"the name {name}"
        raise UsageError(f"A network of the source {asked} has not {what}.", "Leave one of them out.")
    return asked
