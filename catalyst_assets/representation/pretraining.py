"""A backbone taught every formation energy that is known, so that scarce labels of others need teach it less.

Each method's energies are a property of their own: what different methods call the formation energy differs by more
than a network's error. How a network is fitted is ``fitting``'s business.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.errors import CatalystError
from catalyst_assets.representation.devices import choose_device
from catalyst_assets.representation.graphs import CrystalGraph
from catalyst_assets.representation.structures import find_graphs
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from catalyst_assets.representation.backbones import Backbone
    from catalyst_assets.representation.fitting.data import LabelledGraphs
    from catalyst_assets.representation.fitting.settings import FitSettings
    from resources.postgres.database import Database

FEWEST_FORMATION_ENERGIES: Final = 50
_FEWEST_OF_METHOD: Final = 10
_PROPERTY: Final = "formation_energy_per_atom"
_VALIDATION_SHARE: Final = 0.1
_STRUCTURES_AT_ONCE: Final = 2000


class PretrainingError(CatalystError):
    """A backbone cannot be pretrained on what the database holds."""


@dataclass(frozen=True)
class PretrainingLabels:
    """Every public formation energy, eV/atom.

    Attributes
    ----------
    structure_hashes, chemical_systems
        Of the n structures, ascending by hash.
    methods
        The p methods, ascending.
    values
        Shape (n, p), NaN where a method has no value.
    """

    structure_hashes: tuple[str, ...]
    chemical_systems: tuple[str, ...]
    methods: tuple[str, ...]
    values: NDArray[np.float64]

    @property
    def properties(self) -> tuple[str, ...]:
        """The p names that a network is taught."""
        return tuple(f"{_PROPERTY}@{method}" for method in self.methods)

    @property
    def sha256(self) -> str:
        """Hash of structures, methods and values; it changes when a campaign holds out other materials, too."""
        digest = hashlib.sha256("\n".join((*self.methods, "", *self.structure_hashes)).encode())
        digest.update(np.ascontiguousarray(self.values).data)
        return digest.hexdigest()

    def take(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> "PretrainingLabels":
        """Return some of the structures and methods."""
        return PretrainingLabels(
            tuple(self.structure_hashes[row] for row in rows),
            tuple(self.chemical_systems[row] for row in rows),
            tuple(self.methods[column] for column in columns),
            self.values[np.ix_(rows, columns)],
        )


@dataclass(frozen=True)
class PretrainingSet:
    """What a network is taught.

    Attributes
    ----------
    labels
        Of the structures that have a graph.
    graphs
        One a row of ``labels``.
    sha256
        Of all labels, those of the structures that were left out included.
    """

    labels: PretrainingLabels
    graphs: tuple[CrystalGraph, ...]
    sha256: str


@dataclass(frozen=True)
class PretrainingReport:
    """What a pretraining came to; errors in eV/atom, on chemical systems that were left out.

    Attributes
    ----------
    n_labels
        Trained on and validated with, by method.
    left_out
        Methods with too few labels.
    mean_absolute_error, baseline
        By method, of the network and of predicting the mean; absent where no label was left out.
    """

    n_structures: int
    n_labels: Mapping[str, int]
    left_out: tuple[str, ...]
    mean_absolute_error: Mapping[str, float]
    baseline: Mapping[str, float]
    best_epoch: int
    n_epochs: int


def collect_labels(database: "Database") -> PretrainingLabels:
    """Read every public formation energy; cheap enough to ask whether a pretraining is out of date."""
    with database.transaction() as connection:
        rows = fetch_all(connection, "representation/formation_energies")
    system_of = {row["structure_hash"]: row["chemical_system"] for row in rows}
    hashes = sorted(system_of)
    methods = sorted({row["method"] for row in rows})
    values = np.full((len(hashes), len(methods)), np.nan)
    row_of = {name: index for index, name in enumerate(hashes)}
    for row in rows:
        values[row_of[row["structure_hash"]], methods.index(row["method"])] = row["value"]
    return PretrainingLabels(tuple(hashes), tuple(system_of[name] for name in hashes), tuple(methods), values)


def collect_pretraining_set(database: "Database", backbone: "Backbone") -> PretrainingSet:
    """Read every public formation energy, and build the graphs that a backbone wants; others are left out."""
    labels = collect_labels(database)
    known = set(backbone.config.atomic_numbers)
    graphs: dict[str, CrystalGraph] = {}
    for start in range(0, len(labels.structure_hashes), _STRUCTURES_AT_ONCE):
        hashes = labels.structure_hashes[start : start + _STRUCTURES_AT_ONCE]
        built, _ = find_graphs(database, hashes, backbone.config.cutoff)
        graphs |= {
            name: each for name, each in built.items() if known.issuperset(each.atomic_numbers.tolist())
        }
    kept = np.array(
        [row for row, name in enumerate(labels.structure_hashes) if name in graphs], dtype=np.int64
    )
    usable = labels.take(kept, np.arange(len(labels.methods)))
    return PretrainingSet(usable, tuple(graphs[name] for name in usable.structure_hashes), labels.sha256)


def pretrain_backbone(
    backbone: "Backbone",
    data: PretrainingSet,
    settings: "FitSettings",
    checkpoint_dir: Path,
    *,
    on_epoch: Callable[[int, Mapping[str, float]], None] | None = None,
) -> "tuple[Backbone, PretrainingReport]":
    """Teach a backbone formation energies.

    Parameters
    ----------
    backbone
        Where to start from.
    data
        Of :func:`collect_pretraining_set` with this backbone.
    settings
        How; the whole network is trained, whatever depth they name.
    checkpoint_dir, on_epoch
        As of ``fitting.fit.fit_network``.

    Returns
    -------
    The trained backbone, and how well it did.

    Raises
    ------
    PretrainingError
        There are fewer than fifty labels.
    """
    from catalyst_assets.representation.backbones import Origin, OriginKind
    from catalyst_assets.representation.fitting.fit import fit_network

    training, validation, left_out = _split(data, settings.seed)
    fitted = fit_network(
        backbone.network,
        backbone.config,
        training,
        validation,
        replace(settings, depth="full"),
        checkpoint_dir,
        on_epoch=on_epoch,
    )
    counts = np.isfinite(np.concatenate([training.labels, validation.labels])).sum(axis=0)
    methods = [name.removeprefix(f"{_PROPERTY}@") for name in training.properties]
    origin = Origin(
        OriginKind.PRETRAINED,
        {
            "data_sha256": data.sha256,
            "n_labels": int(counts.sum()),
            "n_structures": len(training) + len(validation),
            "methods": methods,
            "parent": backbone.fingerprint,
            "settings_sha256": settings.sha256,
            "epoch": fitted.best_epoch,
        },
    )
    network = backbone.trainable_network()
    learned = dict(fitted.network.named_parameters())
    for name, parameter in network.named_parameters():
        parameter.detach().copy_(learned[name])  # buffers keep the precision they were made in
    errors, baseline = {}, {}
    device = choose_device(settings.accelerator)
    predicted = fitted.predict(validation.graphs, validation.extra, device=device)
    for column, (method, prediction) in enumerate(zip(methods, predicted, strict=True)):
        known = np.isfinite(validation.labels[:, column])
        if known.any():
            target = validation.labels[known, column]
            errors[method] = float(np.abs(prediction.center[known] - target).mean())
            baseline[method] = float(np.abs(np.nanmean(training.labels[:, column]) - target).mean())
    report = PretrainingReport(
        n_structures=len(training) + len(validation),
        n_labels={method: int(count) for method, count in zip(methods, counts, strict=True)},
        left_out=left_out,
        mean_absolute_error=errors,
        baseline=baseline,
        best_epoch=fitted.best_epoch,
        n_epochs=len(fitted.curves["training_loss"]),
    )
    return backbone.with_weights(network, origin), report


def _split(data: PretrainingSet, seed: int) -> "tuple[LabelledGraphs, LabelledGraphs, tuple[str, ...]]":
    """Leave chemical systems out for validation, and methods that too little is known of altogether."""
    from catalyst_assets.representation.fitting.data import LabelledGraphs

    labels = data.labels
    n_labels = int(np.isfinite(labels.values).sum())
    if n_labels < FEWEST_FORMATION_ENERGIES:
        raise PretrainingError(
            f"There are {n_labels} formation energies of usable structures; pretraining takes {FEWEST_FORMATION_ENERGIES}.",
            "Ingest a source that has them, such as materials_project or aflow, or leave pretraining out.",
        )
    is_left_out = _leave_out(labels.chemical_systems, seed)
    n_trained = np.isfinite(labels.values[~is_left_out]).sum(axis=0)
    columns = np.flatnonzero(n_trained >= _FEWEST_OF_METHOD)
    if not len(columns):
        raise PretrainingError(
            f"No method has {_FEWEST_OF_METHOD} formation energies to train on.",
            "Ingest a source that has more of one method.",
        )
    used = np.isfinite(labels.values[:, columns]).any(axis=1)
    parts = []
    for rows in (np.flatnonzero(used & ~is_left_out), np.flatnonzero(used & is_left_out)):
        part = labels.take(rows, columns)
        graphs = [data.graphs[row] for row in rows]
        parts.append(
            LabelledGraphs(graphs, np.zeros((len(rows), 0), np.float32), part.values, part.properties)
        )
    few = sorted(set(labels.methods) - {labels.methods[column] for column in columns})
    return parts[0], parts[1], tuple(few)


def _leave_out(chemical_systems: Sequence[str], seed: int) -> NDArray[np.bool_]:
    """Choose whole chemical systems, about a tenth of the rows, by a hash and not by their order."""
    sizes = Counter(chemical_systems)
    wanted = _VALIDATION_SHARE * len(chemical_systems)
    chosen: set[str] = set()
    count = 0
    for system in sorted(sizes, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()):
        # A system that holds much of everything is trained on.
        if count + sizes[system] <= max(1.5 * wanted, 1):
            chosen.add(system)
            count += sizes[system]
        if count >= wanted:
            break
    return np.array([system in chosen for system in chemical_systems], dtype=bool)
