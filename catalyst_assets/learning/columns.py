"""The columns of a training set's file that every campaign has; one for each property stands between them.

After them comes how well each label of a property is known, where that was said of any.
"""

from collections.abc import Iterable
from typing import Final

from catalyst_assets.vocabulary.known import unit_of

# Type, and what it holds.
IDENTITY: Final = {
    "material_id": ("string", "The material; rows are sorted by it."),
    "chemical_system": ("string", "Its elements, in alphabetical order, joined by hyphens."),
    "structure_hash": ("string", "Hash of its structure."),
}
FEATURES: Final = {
    "features": ("list<float>", "Features of its structure, in the order of the names that the file keeps.")
}


def noise_column(name: str) -> str:
    """Return the name of the column of a property's label noise."""
    return f"{name}_standard_deviation"


def noise_columns(properties: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the columns that say how well the labels of these properties are known."""
    about = "Standard deviation of the label in {}; empty where it is not known."
    return {noise_column(name): ("double", about.format(unit_of(name))) for name in properties}
