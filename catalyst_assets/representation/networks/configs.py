"""What tells one network of an architecture from another: frozen, plain numbers and words, JSON and back.

Nothing here imports torch; what is built from a configuration lies in the module of its architecture.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Literal

from catalyst_assets.errors import UsageError
from catalyst_assets.representation.graphs import CUTOFF_ANGSTROM, LARGEST_ATOMIC_NUMBER

Dtype = Literal["float32", "float64"]
ALL_ELEMENTS: Final = tuple(range(1, LARGEST_ATOMIC_NUMBER + 1))


@dataclass(frozen=True)
class MaceConfig:
    """Architecture of a MACE; the default is the small network built here.

    What is named as in mace-torch means the same there; classes are names from its own tables.

    Attributes
    ----------
    atomic_numbers
        Elements it knows, ascending.
    hidden_irreps, mlp_irreps, edge_irreps
        Irreducible representations in e3nn's notation.
    layers
        Rounds of message passing.
    max_ell
        Highest angular momentum of the messages.
    correlation
        Body order of a layer, less one.
    r_max
        Cutoff radius, Å.
    n_bessel
        Radial basis functions.
    n_polynomial_cutoff
        Exponent of the cutoff's envelope.
    radial_mlp
        Widths of the hidden layers on the radial basis.
    average_neighbours
        What sums over neighbours are divided by.
    atomic_energies
        Of isolated atoms, eV, one an element or one list a head; none are zeros. The weights may hold others.
    scale, shift
        Of the energy of interaction a site, eV, one or one a head; without ``scale_shift`` there are none.
    heads
        Names of the readouts.
    energy_head
        The readout whose energy is given.
    """

    architecture: ClassVar[str] = "mace"

    atomic_numbers: tuple[int, ...] = ALL_ELEMENTS
    hidden_irreps: str = "16x0e"
    mlp_irreps: str = "16x0e"
    interaction_first: str = "RealAgnosticInteractionBlock"
    interaction: str = "RealAgnosticResidualInteractionBlock"
    readout: str = "NonLinearReadoutBlock"
    layers: int = 2
    max_ell: int = 3
    correlation: int = 2
    r_max: float = CUTOFF_ANGSTROM
    n_bessel: int = 8
    n_polynomial_cutoff: int = 5
    radial_mlp: tuple[int, ...] = (32, 32)
    radial_type: str = "bessel"
    distance_transform: str = "None"
    gate: str | None = "silu"
    average_neighbours: float = 40.0
    pair_repulsion: bool = False
    apply_cutoff: bool = True
    use_reduced_cg: bool = True
    use_so3: bool = False
    use_agnostic_product: bool = False
    use_last_readout_only: bool = False
    use_edge_irreps_first: bool = False
    edge_irreps: str | None = None
    keep_last_layer_irreps: bool = False
    scale_shift: bool = True
    atomic_energies: tuple[float, ...] | tuple[tuple[float, ...], ...] = ()
    scale: float | tuple[float, ...] = 1.0
    shift: float | tuple[float, ...] = 0.0
    heads: tuple[str, ...] = ("Default",)
    energy_head: int = 0
    dtype: Dtype = "float64"

    @property
    def cutoff(self) -> float:
        """Radius within which edges are wanted, Å."""
        return self.r_max


# How mace-torch calls what a configuration holds as plain values, when it builds a model and when it describes one.
MACE_ARGUMENTS: Final = {
    "hidden_irreps": "hidden_irreps",
    "mlp_irreps": "MLP_irreps",
    "interaction_first": "interaction_cls_first",
    "interaction": "interaction_cls",
    "readout": "readout_cls",
    "layers": "num_interactions",
    "n_bessel": "num_bessel",
    "n_polynomial_cutoff": "num_polynomial_cutoff",
    "radial_mlp": "radial_MLP",
    "average_neighbours": "avg_num_neighbors",
} | {
    name: name
    for name in (
        *("r_max", "max_ell", "correlation", "radial_type", "distance_transform", "gate", "pair_repulsion"),
        *("apply_cutoff", "use_reduced_cg", "use_so3", "use_agnostic_product", "use_last_readout_only"),
        *("use_edge_irreps_first", "edge_irreps", "keep_last_layer_irreps"),
    )
}


@dataclass(frozen=True)
class SchNetConfig:
    """Architecture of a SchNet.

    Attributes
    ----------
    channels
        Features a site and layer.
    layers
        Interaction blocks.
    filters
        Width of the continuous filters.
    gaussians
        Radial basis functions.
    cutoff
        Radius, Å.
    """

    architecture: ClassVar[str] = "schnet"

    channels: int = 32
    layers: int = 3
    filters: int = 32
    gaussians: int = 25
    cutoff: float = CUTOFF_ANGSTROM
    dtype: Dtype = "float64"

    @property
    def atomic_numbers(self) -> tuple[int, ...]:
        """Elements it knows."""
        return ALL_ELEMENTS


@dataclass(frozen=True)
class DimeNetConfig:
    """Architecture of a DimeNet++; its cutoff is short, for a site has as many angles as pairs of neighbours.

    Attributes
    ----------
    channels
        Features a site and layer, and width of the messages.
    layers
        Interaction blocks; the embedding gives one layer of features more.
    triplet_channels
        Width of the messages between edges.
    basis_channels
        Width that the bases are brought to.
    n_spherical, n_radial
        Size of the spherical basis.
    cutoff
        Radius, Å.
    envelope_exponent
        Of the cutoff's envelope.
    """

    architecture: ClassVar[str] = "dimenet"

    channels: int = 32
    layers: int = 2
    triplet_channels: int = 16
    basis_channels: int = 8
    n_spherical: int = 4
    n_radial: int = 6
    n_output_layers: int = 1
    cutoff: float = 4.0
    envelope_exponent: int = 5
    dtype: Dtype = "float64"

    @property
    def atomic_numbers(self) -> tuple[int, ...]:
        """Elements it knows."""
        return ALL_ELEMENTS


@dataclass(frozen=True)
class PotentialConfig:
    """A universal potential, whose network lies in an environment of its own: it describes, and is not trained here.

    Attributes
    ----------
    name
        As `potentials.table` has it.
    checkpoint_sha256
        Of its weights; empty where it has no file of them.
    package
        What computes it, with its version.
    width
        Features that it gives a structure.
    """

    architecture: ClassVar[str] = "potential"

    name: str
    checkpoint_sha256: str
    package: str
    width: int
    dtype: Dtype = "float32"

    @property
    def cutoff(self) -> float:
        """Radius within which our own graphs have edges, Å; it makes its own."""
        return CUTOFF_ANGSTROM

    @property
    def atomic_numbers(self) -> tuple[int, ...]:
        """Elements of which structures are made that it is asked about; those it does not know it refuses."""
        return ALL_ELEMENTS


def refuse_training(name: str) -> UsageError:
    """Return the error that a potential cannot be trained here."""
    return UsageError(
        f"{name} is computed in an environment of its own and cannot be trained here.",
        "Leave `learning.fine_tune` and the pretraining of the backbone out, or choose another CATALYST_BACKBONE.",
    )


NetworkConfig = MaceConfig | SchNetConfig | DimeNetConfig | PotentialConfig

_CONFIGS: Final[dict[str, type[NetworkConfig]]] = {
    each.architecture: each for each in (MaceConfig, SchNetConfig, DimeNetConfig, PotentialConfig)
}


def config_to_json(config: NetworkConfig) -> dict[str, Any]:
    """Return a configuration as JSON values, its architecture among them."""
    return {"architecture": config.architecture, **asdict(config)}


def config_from_json(values: dict[str, Any]) -> NetworkConfig:
    """Return the configuration that :func:`config_to_json` wrote.

    Raises
    ------
    KeyError, TypeError
        The architecture or one of the fields is unknown.
    """
    fields = {name: as_tuples(value) for name, value in values.items() if name != "architecture"}
    return _CONFIGS[values["architecture"]](**fields)


def as_tuples(value: Any) -> Any:
    """Return lists, also those within lists, as tuples."""
    return tuple(as_tuples(each) for each in value) if isinstance(value, list | tuple) else value
