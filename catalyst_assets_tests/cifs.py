"""CIF texts for tests, written tag by tag as programs and people write them."""

from collections.abc import Iterable, Sequence


def cif(
    cell: Sequence[object],
    sites: Iterable[Sequence[object]],
    *lines: str,
    columns: str = "label type_symbol fract_x fract_y fract_z",
    operators: Iterable[str] = (),
    name: str = "x",
) -> str:
    """Return a data block; ``lines`` stand before the atoms, ``columns`` name those of ``sites``."""
    tags = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    text = [f"data_{name}", *(f"_cell_{tag} {value}" for tag, value in zip(tags, cell, strict=True)), *lines]
    listed = [f"'{operator}'" for operator in operators]
    if listed:
        text += ["loop_", "_symmetry_equiv_pos_as_xyz", *listed]
    text += ["loop_", *(f"_atom_site_{column}" for column in columns.split())]
    text += [" ".join(map(str, site)) for site in sites]
    return "\n".join([*text, ""])


def cubic(edge: float) -> tuple[float, ...]:
    """Return the lengths and angles of a cube."""
    return (edge, edge, edge, 90, 90, 90)


def tetragonal(a: float, c: float) -> tuple[float, ...]:
    """Return the lengths and angles of a cell with two edges alike and right angles."""
    return (a, a, c, 90, 90, 90)


def hexagonal(a: float, c: float) -> tuple[float, ...]:
    """Return the lengths and angles of a cell with two edges alike at 120°."""
    return (a, a, c, 90, 90, 120)


def rhombohedral(a: float, alpha: float) -> tuple[float, ...]:
    """Return the lengths and angles of a cell with three edges and three angles alike."""
    return (a, a, a, alpha, alpha, alpha)
