"""The printable sheet of a work order: one A4 page a candidate, with boxes to write into."""

from typing import TYPE_CHECKING, Any

from catalyst_assets.constants import decimals
from catalyst_assets.vocabulary.known import label_of, unit_of

if TYPE_CHECKING:
    from catalyst_assets.validation.work_orders.orders import OrderedCandidate, WorkOrder


def render_sheet(order: "WorkOrder") -> str:
    """Return the sheet as one HTML document that needs nothing else."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("catalyst_assets.validation.work_orders", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": decimals, "title": label_of, "unit": unit_of}
    facts = {each.candidate: _facts(each) for each in order.candidates}
    return environment.get_template("sheet.html.j2").render(order=order, facts=facts)


def _facts(each: "OrderedCandidate") -> dict[str, Any]:
    """Return what a chemist wants to know of a material: its cell if it is known, and what to weigh."""
    from pymatgen.core.composition import Composition
    from pymatgen.core.lattice import Lattice

    composition = Composition(each.formula)
    total = composition.weight
    lattice = None if each.structure is None else Lattice.from_dict(dict(each.structure["lattice"]))
    return {
        "molar_mass": float(total),
        "shares": {
            str(element): float(element.atomic_mass or 0.0) * amount / float(total)
            for element, amount in composition.items()
        },
        "atoms": {str(element): composition.get_atomic_fraction(element) for element in composition},
        "lengths": lattice and lattice.abc,
        "angles": lattice and lattice.angles,
    }
