"""Universal potentials as backbones: their features come from their own environments, through their workers."""

import logging
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from catalyst_assets.constants import Accelerator
from catalyst_assets.errors import UsageError
from catalyst_assets.potentials.table import ENVIRONMENTS, PotentialSpec, find_potential
from catalyst_assets.representation.backbones import Backbone, Origin, OriginKind
from catalyst_assets.representation.networks.configs import PotentialConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core.structure import Structure

    from catalyst_assets.representation.batching import BatchedResult
    from resources.settings import Settings

_log = logging.getLogger(__name__)
_PROBE: Final = "probe"


def potential_recipe(name: str, settings: "Settings") -> dict[str, str]:
    """Return what decides the features of a potential, as JSON values.

    Raises
    ------
    UsageError
        There is no such potential.
    """
    spec = find_potential(name, settings)
    return {"kind": "potential", "name": name, "file_sha256": spec.sha256 or "", "package": _package(spec)}


def potential_backbone(name: str, settings: "Settings") -> Backbone:
    """Ask a potential how many features it gives, and return it as a backbone.

    Raises
    ------
    UsageError
        There is no such potential, or it gives no features.
    PotentialError
        Its environment is not installed, or does not work.
    """
    from catalyst_assets.potentials.known_answers import known_crystal
    from catalyst_assets.representation.networks.architectures import build_network

    spec = find_potential(name, settings)
    described = _describe({_PROBE: known_crystal(spec.elements)}, name, settings.accelerator, settings)
    if isinstance(described[_PROBE], str):
        raise UsageError(
            f"{name} gives no features: {described[_PROBE]}.", "Choose another CATALYST_BACKBONE."
        )
    config = PotentialConfig(name, spec.sha256 or "", _package(spec), len(described[_PROBE]))
    details = {
        "name": name,
        "licence": spec.terms(),
        "file_sha256": spec.sha256,
        "package": config.package,
    }
    return Backbone.of(config, build_network(config, 0), Origin(OriginKind.POTENTIAL, details))


def describe_by_potential(
    structures: "Sequence[Structure]",
    config: PotentialConfig,
    accelerator: Accelerator,
    settings: "Settings | None" = None,
) -> "BatchedResult":
    """Return the features of structures, float32, and why some have none.

    Raises
    ------
    PotentialError
        The potential's environment is not installed here, or does not work.
    """
    from pymatgen.io.ase import AseAtomsAdaptor

    from catalyst_assets.representation.batching import BatchedResult

    values = np.zeros((len(structures), config.width), dtype=np.float32)
    failures: dict[int, str] = {}
    asked = {str(place): AseAtomsAdaptor.get_atoms(each) for place, each in enumerate(structures)}
    for name, said in _describe(asked, config.name, accelerator, settings).items():
        if isinstance(said, str):
            failures[int(name)] = f"{config.name}: {said}."
        else:
            values[int(name)] = said
    return BatchedResult(values, failures)


def _describe(
    asked: dict[str, Any], name: str, accelerator: Accelerator, settings: "Settings | None"
) -> dict[str, np.ndarray | str]:
    from catalyst_assets.potentials.client import WorkerPotential
    from resources.settings import get_settings

    settings = (settings or get_settings()).model_copy(update={"accelerator": accelerator})
    potential = WorkerPotential.of(name, settings, tell=_log.warning)
    return {
        answer.name: answer.error or ("it gives none" if answer.features is None else answer.features)
        for answer in potential.describe(asked)
    }


def _package(spec: PotentialSpec) -> str:
    return ENVIRONMENTS[spec.environment].package if spec.environment else str(spec.python)
