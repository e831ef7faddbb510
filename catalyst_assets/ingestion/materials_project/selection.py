"""Which materials of the Materials Project are wanted: one question, whose answers are remembered together."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.materials_project.ids import normalise_material_id
from catalyst_assets.ingestion.reading.species import element_problem
from catalyst_assets.ingestion.records import Scope

MOST_NAMED: Final = 500


@dataclass(frozen=True)
class Selection:
    """A question to the Materials Project; everything if nothing is given.

    Attributes
    ----------
    scope
        Which materials are asked for.
    non_commercial
        Whether those are included whose licence forbids commercial use.
    """

    scope: Scope = field(default_factory=Scope)
    non_commercial: bool = False

    @property
    def criteria(self) -> dict[str, Any]:
        """As ``SummaryRester.search`` takes them."""
        given = {
            "chemsys": list(self.scope.chemical_systems),
            "elements": list(self.scope.elements),
            "exclude_elements": list(self.scope.without_elements),
            "material_ids": list(self.scope.records),
        }
        return {name: value for name, value in given.items() if value}

    @property
    def scope_document(self) -> dict[str, list[str]]:
        """As JSON keeps it."""
        return {name: list(value) for name, value in asdict(self.scope).items()}


def select(
    chemical_systems: Sequence[str] = (),
    elements: Sequence[str] = (),
    without_elements: Sequence[str] = (),
    materials: Sequence[str] = (),
    non_commercial: bool = False,
) -> Selection:
    """Return a question whose parts are what they should be.

    Raises
    ------
    UsageError
        One is not.
    """
    systems = ["-".join(sorted(_require_elements(system.split("-"), system))) for system in chemical_systems]
    if len(materials) > MOST_NAMED:
        raise UsageError(f"{len(materials)} materials are named.", f"Name at most {MOST_NAMED} at a time.")
    try:
        names = [normalise_material_id(name) for name in materials]
    except ValueError as error:
        raise UsageError(f"{error}.", "Correct the name.") from None
    scope = Scope(
        _unique(systems),
        _unique(_require_elements(elements)),
        _unique(_require_elements(without_elements)),
        _unique(names),
    )
    return Selection(scope, non_commercial)


def _require_elements(symbols: Sequence[str], shown: str = "") -> Sequence[str]:
    for symbol in symbols:
        if problem := element_problem(symbol):
            raise UsageError(
                f"{shown or symbol!r} is not made of element symbols: {problem}{'' if problem.endswith('?') else '.'}",
                "Give elements such as Fe, chemical systems such as Fe-O.",
            )
    return symbols


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
