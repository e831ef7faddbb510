"""What a calculation is: a material, a method with its full settings, a program, the properties asked; its name is their hash.

The same calculation is the same job, whoever asks for it and however often.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from catalyst_assets.documents import hash_document

JOB_FORMAT: Final = 1


@dataclass(frozen=True)
class Calculation:
    """One calculation that a validator asks for.

    Attributes
    ----------
    structure_hash
        Of the material as it is now: a structure that changes is another calculation.
    settings
        All that the answer depends on beside the structure, as JSON.
    """

    validator: str
    material_id: str
    structure_hash: str
    method: str
    properties: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def job_id(self) -> str:
        """Hash of the calculation."""
        document = {
            "format": JOB_FORMAT,
            "validator": self.validator,
            "material_id": self.material_id,
            "structure_hash": self.structure_hash,
            "method": self.method,
            "properties": sorted(set(self.properties)),
            "settings": dict(self.settings),
        }
        return hash_document(document)
