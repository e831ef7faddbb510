"""Strategies that spell a known crystal as CIF or POSCAR: completely, too little, or with something wrong on purpose."""

import random
from dataclasses import dataclass
from math import gcd
from typing import Any, Final, Literal

import numpy as np
from hypothesis import strategies as st
from pymatgen.core.composition import Composition

from catalyst_assets_tests.settings_of_crystals import KNOWN, InSetting, in_setting, settings_of

# A complete spelling must be read; one that says too little may be refused; a wrong one must be.
Kind = Literal["complete", "open", "wrong"]
_COMPLETE: Final = ("operators", "symbol", "Hall", "P 1")
_OPEN: Final = ("number", "standard symbol", "full symbol")
_WRONG: Final = (
    "nothing", "identity", "lost operator", "other name", "formula", "Z", "density", "lost site", "half", "dummy",
)  # fmt: skip
_WHOLE_POSCARS: Final = ("species", "potentials", "at the end", "symbols first")
_WRONG_POSCARS: Final = ("title", "lost atom", "atom too many", "lost species", "other species")
_SYMBOL_TAGS: Final = (
    "_symmetry_space_group_name_H-M", "_space_group_name_H-M_alt", "_space_group.name_H-M_alt",
    "_Symmetry_Space_Group_Name_H-M",
)  # fmt: skip
_HALL_TAGS: Final = ("_symmetry_space_group_name_Hall", "_space_group_name_Hall")
_NUMBER_TAGS: Final = ("_symmetry_Int_Tables_number", "_space_group_IT_number", "_space_group.IT_number")
_OPERATOR_TAGS: Final = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
_ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "latin-1")
_CHARGES: Final = {"O": "O2-", "Mg": "Mg2+", "Ti": "Ti4+", "Al": "Al3+", "Li": "Li+1", "Zr": "Zr4+"}


@dataclass(frozen=True)
class Spelling:
    """A file, and what it should be read as."""

    crystal: InSetting
    kind: Kind
    about: str
    data: bytes


@st.composite
def cifs(draw: st.DrawFn) -> Spelling:
    """Return a known crystal as CIF."""
    name = draw(st.sampled_from(sorted(KNOWN)))
    crystal = in_setting(name, draw(st.sampled_from(settings_of(name))))
    pick = random.Random(draw(st.integers(0, 2**32)))
    about = draw(st.sampled_from((*_COMPLETE, *_OPEN, *_WRONG)))
    if about == "standard symbol" and not crystal.is_standard:
        about = "symbol"
    if about == "lost site" and len(crystal.orbits) == 1:
        about = "formula"
    kind: Kind = "complete" if about in _COMPLETE else "open" if about in _OPEN else "wrong"
    if about in {"lost operator", "identity"} and len(crystal.operators) == 2:
        about = "nothing"
    lines = _symmetry(crystal, about, pick)
    claims = _claims(crystal, about, pick)
    atoms = _atoms(crystal, about, pick)
    parts = [_cell(crystal, pick), lines, claims, atoms]
    pick.shuffle(parts)
    text = "\n".join([f"data_{name.replace(' ', '_')}", *(line for part in parts for line in part), ""])
    if pick.random() < 0.3:
        text = "# spelt for a test, in Genève\n\n" + text
    data = text.replace("\n", pick.choice(["\n", "\r\n", "\r"])).encode(pick.choice(_ENCODINGS))
    return Spelling(crystal, kind, about, data)


def _cell(crystal: InSetting, pick: random.Random) -> list[str]:
    digits, uncertain = pick.randint(3, 6), pick.random() < 0.3
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = []
    for name, value in zip(names, crystal.parameters, strict=True):
        text = f"{value:.{digits}f}" + ("(3)" if uncertain else "")
        lines.append(f"_cell_{name}{pick.choice([' ', '   '])}{pick.choice([text, _quoted(text, pick)])}")
    pick.shuffle(lines)
    return lines


def _quoted(text: str, pick: random.Random) -> str:
    return pick.choice([f"'{text}'", f'"{text}"', f"\n;{text}\n;"])


def _symbol(crystal: InSetting, pick: random.Random) -> str:
    """Return a symbol that means this setting alone."""
    suffixes = {
        "": [""], "1": [":1", " :1", " S", " (origin choice 1)"], "2": [":2", " :2", " Z", " (origin choice 2)"],
        "H": [":H", " H", " :H"], "R": [":R", " R", " :R"],
    }  # fmt: skip
    stem = pick.choice([crystal.short, crystal.short.replace(" ", ""), crystal.short.replace(" ", "_")])
    return stem + pick.choice(suffixes[crystal.choice])


def _symmetry(crystal: InSetting, about: str, pick: random.Random) -> list[str]:
    symbol = f"{pick.choice(_SYMBOL_TAGS)} {_quoted(_symbol(crystal, pick), pick)}"
    hall = f"{pick.choice(_HALL_TAGS)} {_quoted(crystal.hall, pick)}"
    number = f"{pick.choice(_NUMBER_TAGS)} {crystal.number}"
    standard = f"{pick.choice(_SYMBOL_TAGS)} {_quoted(crystal.standard, pick)}"
    full = f"{pick.choice(_SYMBOL_TAGS)} {_quoted(crystal.full, pick)}"
    some = [line for line in (symbol, hall, number) if pick.random() < 0.4]
    if about == "symbol":
        return [symbol, *(line for line in (hall, number) if pick.random() < 0.3)]
    if about == "Hall":
        return [hall, *(line for line in (standard, number) if pick.random() < 0.3)]
    if about in {"number", "standard symbol", "full symbol"}:
        only = {"number": number, "standard symbol": standard, "full symbol": full}[about]
        return [only, *([number] if about != "number" and pick.random() < 0.3 else [])]
    if about == "nothing":
        return pick.choice([[], [f"{pick.choice(_SYMBOL_TAGS)} ?"], [f"{pick.choice(_NUMBER_TAGS)} ."]])
    if about == "P 1":
        named = [f"{pick.choice(_SYMBOL_TAGS)} {pick.choice(['P1', _quoted('P 1', pick)])}"]
        identity = _operators(["x,y,z"], pick)
        return pick.choice([named, identity, named + identity, [f"{pick.choice(_NUMBER_TAGS)} 1", *identity]])
    if about == "identity":
        return [pick.choice([symbol, hall, number]), *_operators(["x,y,z"], pick)]
    if about == "other name":
        other = pick.choice(["P 63/m c m", "I 4 3 2", "P b c n", "P -6", "_F 2 2 2"]).strip("_")
        return [f"{pick.choice(_SYMBOL_TAGS)} '{other}'", *_operators(list(crystal.operators), pick)]
    operators = list(crystal.operators)
    if about == "lost operator":
        operators.remove(pick.choice(operators[1:]))
    elif pick.random() < 0.3 and crystal.is_certain:
        some = [full if crystal.number not in {62, 67} else number]
    elif pick.random() < 0.3:
        some = [standard]
    return [*dict.fromkeys(some), *_operators(operators, pick)]


def _operators(operators: list[str], pick: random.Random) -> list[str]:
    first, *rest = operators
    if pick.random() < 0.5:
        pick.shuffle(rest)
    style = pick.choice([str, str.upper, lambda text: text.replace(",", ", "), _halves_first])
    tag = pick.choice(_OPERATOR_TAGS)
    written = [style(operator) for operator in [first, *rest]]
    if pick.random() < 0.5:
        return [
            "loop_",
            f"{tag.rpartition('_')[0]}_id",
            tag,
            *(f"{i} '{op}'" for i, op in enumerate(written, 1)),
        ]
    return ["loop_", tag, *(f"'{operator}'" for operator in written)]


def _halves_first(operator: str) -> str:
    parts = []
    for part in operator.split(","):
        stem, plus, shift = part.rpartition("+")
        parts.append(f"{shift}{'' if stem.startswith('-') else '+'}{stem}" if plus and "/" in shift else part)
    return ",".join(parts)


def _claims(crystal: InSetting, about: str, pick: random.Random) -> list[str]:
    counts = {symbol: crystal.symbols.count(symbol) for symbol in set(crystal.symbols)}
    units = gcd(*counts.values())
    formula = {symbol: number // units for symbol, number in counts.items()}
    mass = Composition(counts).weight
    density = mass / abs(np.linalg.det(crystal.matrix)) * 1.66054
    if about == "formula":
        formula[min(formula)] += 1
    lines = []
    if about == "Z":
        units *= 2
    if about == "density":
        density *= pick.choice([0.5, 2, 1.5])
    written = " ".join(f"{symbol}{'' if n == 1 else n}" for symbol, n in sorted(formula.items()))
    needs_formula = about in {"formula", "Z", "lost site"}
    if needs_formula or pick.random() < 0.5:
        lines.append(f"_chemical_formula_sum {_quoted(written, pick)}")
        if needs_formula or pick.random() < 0.7:
            lines.append(f"_cell_formula_units_Z {units}")
    if about == "density" or pick.random() < 0.3:
        lines.append(f"_exptl_crystal_density_diffrn {density:.3f}")
    if pick.random() < 0.3:
        lines.append(f"_cell_volume {abs(np.linalg.det(crystal.matrix)):.1f}(2)")
    pick.shuffle(lines)
    return lines


def _atoms(crystal: InSetting, about: str, pick: random.Random) -> list[str]:
    if about == "P 1":
        chosen = list(range(len(crystal.symbols)))
    else:
        chosen = [pick.choice(orbit) for orbit in crystal.orbits]
    pick.shuffle(chosen)
    if about == "lost site":
        chosen.pop()
    digits = pick.choice([4, 5, 6, 8])
    charged = pick.random() < 0.2 and all(crystal.symbols[index] in _CHARGES for index in chosen)
    with_type = pick.random() < 0.7
    label_style = pick.choice(["{}{}", "{}({})", "{}{}A"] + (["M{1}"] if with_type else []))
    occupancy = "0.5" if about == "half" else pick.choice(["1", "1.0", "1.000(2)", ".", "?"])
    columns: dict[str, list[str]] = {
        "label": [label_style.format(crystal.symbols[atom], row) for row, atom in enumerate(chosen, 1)]
    }
    if with_type:
        columns["type_symbol"] = [
            _CHARGES[crystal.symbols[atom]] if charged else crystal.symbols[atom] for atom in chosen
        ]
    positions = crystal.positions[chosen] + [[pick.choice([-1, 0, 0, 1]) for _ in range(3)] for _ in chosen]
    bracket = pick.choice(["", "(2)"])
    for axis, letter in enumerate("xyz"):
        columns[f"fract_{letter}"] = [f"{position[axis]:.{digits}f}{bracket}" for position in positions]
    if about == "half" or pick.random() < 0.5:
        columns["occupancy"] = [occupancy if row == 0 else "1" for row in range(len(chosen))]
    if pick.random() < 0.2:
        columns["attached_hydrogens"] = [pick.choice(["0", "."]) for _ in chosen]
    if about == "dummy" or pick.random() < 0.2:
        columns["calc_flag"] = ["dum" if about == "dummy" and row == 0 else "d" for row in range(len(chosen))]
    names = list(columns)
    pick.shuffle(names)
    rows = zip(*(columns[name] for name in names), strict=True)
    return [
        "loop_",
        *(f"_atom_site_{name}" for name in names),
        *(pick.choice([" ", "\t"]).join(row) for row in rows),
    ]


@st.composite
def poscars(draw: st.DrawFn) -> Spelling:
    """Return a known crystal as POSCAR."""
    name = draw(st.sampled_from(sorted(KNOWN)))
    crystal = in_setting(name, draw(st.sampled_from(settings_of(name))))
    pick = random.Random(draw(st.integers(0, 2**32)))
    about = draw(st.sampled_from((*_WHOLE_POSCARS, *_WHOLE_POSCARS, *_WRONG_POSCARS)))
    species = sorted(set(crystal.symbols))
    pick.shuffle(species)
    order = [index for symbol in species for index, each in enumerate(crystal.symbols) if each == symbol]
    counts = [crystal.symbols.count(symbol) for symbol in species]
    scales, matrix = _scaled(crystal.matrix, pick)
    is_cartesian, is_selective = pick.random() < 0.5, pick.random() < 0.3
    positions = crystal.positions[order] + [[pick.choice([-1, 0, 0, 1]) for _ in range(3)] for _ in order]
    if is_cartesian:
        positions = positions @ matrix
    with_symbols = about == "at the end" or (about in _WHOLE_POSCARS and pick.random() < 0.2)
    rows = []
    for position, index in zip(positions, order, strict=True):
        words = [f"{x:.10f}" for x in position]
        words += [pick.choice("TF"), "T", pick.choice("TF")] if is_selective else []
        words += [crystal.symbols[index]] if with_symbols else []
        rows.append(" ".join(words))
    if about == "lost atom":
        rows.pop()
    elif about == "atom too many":
        rows.append(rows[0])
    title, line = _species(about, species, pick)
    text = [title, scales, *(" ".join(f"{x:.12f}" for x in vector) for vector in matrix)]
    text += [line] if line else []
    text += [" ".join(map(str, counts)), *(["Selective dynamics"] if is_selective else [])]
    text += [
        pick.choice(["Cartesian", "c", "K"]) if is_cartesian else pick.choice(["Direct", "d", "fractional"])
    ]
    text += rows
    if pick.random() < 0.3 and about != "lost atom":
        text += ["", *("0.0 0.0 0.0" for _ in rows)]
    data = "\n".join([*text, ""]).replace("\n", pick.choice(["\n", "\r\n", "\r"]))
    kind: Kind = "complete" if about in _WHOLE_POSCARS else "wrong"
    return Spelling(crystal, kind, about, data.encode(pick.choice(_ENCODINGS)))


def _species(about: str, species: list[str], pick: random.Random) -> tuple[str, str]:
    """Return the first line, and that of the elements; the latter is empty where there is none."""
    if about == "potentials":
        decorated = [f"{symbol}{pick.choice(['_pv', '_sv_GW', '/1a2b', '_d/9f'])}" for symbol in species]
        return "a crystal, relaxed", " ".join(decorated)
    if about in {"at the end", "title"}:
        return pick.choice(["a crystal, relaxed", "Li3HHe of mine", "", " ".join([*species, "H"])]), ""
    if about == "symbols first":
        return " ".join(species), ""
    if about == "lost species":
        return "", " ".join(species[1:] or ["H", "He"])
    if about == "other species":
        return "", " ".join([*species[:-1], "Xx"])
    return "a crystal, relaxed", " ".join(species)


def _scaled(matrix: np.ndarray, pick: random.Random) -> tuple[str, Any]:
    """Return the line of scales, and what is written below it."""
    if pick.random() < 0.3:
        return f"{-abs(np.linalg.det(matrix)):.10f}", matrix / 2.5
    if pick.random() < 0.3:
        factors = np.array([1.5, 2.0, 0.5])
        return " ".join(map(str, factors)), matrix / factors
    scale = pick.choice([1.0, 3.7, 0.529177])
    return str(scale), matrix / scale
