"""Whether an OPTIMADE entry is a plain bulk crystal, by what it says of itself besides its sites.

The fields are those of the specification (optimade.org, 1.2, "Structures entries"). A null, or a field that is not
there, says nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from catalyst_assets.ingestion.pages import is_number, is_one
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Problem

_FEATURES: Final = {
    "disorder": "sites are shared",
    "implicit_atoms": "atoms are not on the listed sites",
    "site_attachments": "sites carry atoms that are not listed",
    "assemblies": "sites are alternatives of each other",
}


def find_special(attributes: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what makes an entry's sites something other than the atoms of a crystal periodic in three directions."""
    features, assemblies = attributes.get("structure_features"), attributes.get("assemblies")
    if features is not None and not isinstance(features, list):
        yield Problem("structure_features", f"{shown(features)} is no list of features")
    for feature in features if isinstance(features, list) else []:
        if feature == "assemblies" and _says_nothing(assemblies):
            continue
        # What a provider calls by its own prefix is no business of the specification.
        if not str(feature).startswith("_"):
            reason = _FEATURES.get(str(feature), "a feature that is not known here")
            yield Problem("structure_features", f"{shown(feature)}: {reason}")
    if assemblies not in (None, []) and not _says_nothing(assemblies):
        yield Problem("assemblies", "are given: which of its alternatives are there together is not said")
    count = attributes.get("nperiodic_dimensions")
    if count is not None and not (is_number(count) and count == 3):
        yield Problem("nperiodic_dimensions", f"is {shown(count)}: not periodic in all directions")
    periodic = attributes.get("dimension_types")
    if periodic is not None and periodic != [1, 1, 1]:
        yield Problem("dimension_types", f"{shown(str(periodic))}: not periodic in all directions")


def find_contradictions(attributes: Mapping[str, Any], symbols: Sequence[str]) -> Iterator[Problem]:
    """Yield what an entry says of its composition that its sites, each with an element in ``symbols``, do not bear out."""
    held = sorted(set(symbols))
    for field, found in (("nsites", len(symbols)), ("nelements", len(held))):
        given = attributes.get(field)
        if given is not None and not (is_number(given) and given == found):
            counted = f"{found} sites are given" if field == "nsites" else f"the sites hold {found}"
            yield Problem(field, f"is {shown(given)}, but {counted}")
    elements = attributes.get("elements")
    if elements is not None and not (isinstance(elements, list) and set(map(str, elements)) == set(held)):
        yield Problem("elements", f"are {shown(elements)}, but the sites hold {', '.join(held)}")
    formula = attributes.get("chemical_formula_reduced")
    if formula is not None:
        found_formula = _reduced(Counter(symbols))
        if _reduced(formula) != found_formula:
            reason = f"is {shown(formula)}, but the sites make {found_formula}"
            yield Problem("chemical_formula_reduced", reason)


def _says_nothing(assemblies: object) -> bool:
    """Tell whether every assembly has one group, which is always there."""
    return isinstance(assemblies, list) and bool(assemblies) and all(map(_is_certain, assemblies))


def _is_certain(assembly: object) -> bool:
    if not isinstance(assembly, dict):
        return False
    groups, chances = assembly.get("sites_in_groups"), assembly.get("group_probabilities")
    return (
        isinstance(groups, list)
        and len(groups) == 1
        and isinstance(chances, list)
        and len(chances) == 1
        and is_one(chances[0])
    )


def _reduced(formula: object) -> str:
    """Return a formula in one spelling, empty for what is none."""
    from pymatgen.core.composition import Composition

    if not isinstance(formula, str | Counter):
        return ""
    try:
        return Composition(formula).reduced_formula
    # pymatgen raises what a text leads it to.
    except Exception:
        return ""
