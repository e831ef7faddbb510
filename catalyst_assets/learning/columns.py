"""The columns of a training set's file that every campaign has; one for each property stands between them."""

from typing import Final

# Type, and what it holds.
IDENTITY: Final = {
    "material_id": ("string", "The material; rows are sorted by it."),
    "chemical_system": ("string", "Its elements, in alphabetical order, joined by hyphens."),
    "structure_hash": ("string", "Hash of its structure."),
}
FEATURES: Final = {
    "features": ("list<float>", "Features of its structure, in the order of the names that the file keeps.")
}
