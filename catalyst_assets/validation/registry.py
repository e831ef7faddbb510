"""Which validators answer by themselves: the implementations of what ``campaigns.model.ValidatorKind`` declares.

A declared one that is missing here is answered for from outside, in its own time, through the API.
"""

from collections.abc import Callable, Mapping
from typing import Final

from catalyst_assets.campaigns.model import ValidatorKind
from catalyst_assets.validation.reference_table import ReferenceTable
from catalyst_assets.validation.validators import Validator
from resources.postgres.database import Database

IMPLEMENTATIONS: Final[Mapping[ValidatorKind, Callable[[Database], Validator]]] = {
    ValidatorKind.REFERENCE_TABLE: ReferenceTable,
}


def find_validator(kind: ValidatorKind, database: Database) -> Validator | None:
    """Return the validator of that kind; None when its answers come from outside."""
    implementation = IMPLEMENTATIONS.get(kind)
    return None if implementation is None else implementation(database)
