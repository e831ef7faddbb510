"""The columns of a file of features: type, and what each holds."""

from typing import Final

COLUMNS: Final = {
    "structure_hash": ("string", "Hash of the structure."),
    "features": ("list<float>", "Its features, in the order of the names that the file keeps."),
}
