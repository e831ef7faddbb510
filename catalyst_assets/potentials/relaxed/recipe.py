"""What a relaxed structure and its energies depend on beside the structure that was ingested, as a document and its hash.

A row that another recipe made is none of the potential's any more: its structure waits again, and its energy is on no
hull beside those of this one. What a run asked for holds until another asks for something else.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from catalyst_assets.documents import hash_document
from catalyst_assets.potentials.interface import Relaxation
from catalyst_assets.potentials.relaxed.chosen import chosen_potential
from catalyst_assets.potentials.table import find_potential
from resources.postgres.database import execute, fetch_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resources.postgres.database import Database
    from resources.settings import Settings

# Raised when the path computes something else from the same settings.
_RECIPE: Final = 1
_FIRST: Final = Relaxation(keep_symmetry=True)


@dataclass(frozen=True)
class Recipe:
    """What a potential relaxes with.

    Attributes
    ----------
    document
        As JSON holds it.
    """

    method: str
    document: "Mapping[str, Any]"

    @property
    def sha256(self) -> str:
        """Its hash."""
        return hash_document(self.document)

    @property
    def keys(self) -> dict[str, str]:
        """By which queries find its rows."""
        return {"method": self.method, "recipe": self.sha256}

    @property
    def corrections(self) -> Literal["mp2020"] | None:
        """What its energies are corrected by."""
        scheme: Literal["mp2020"] | None = self.document["corrections"]
        return scheme

    @property
    def wanted(self) -> Relaxation:
        """How it relaxes a structure."""
        return Relaxation(
            largest_force=self.document["largest_force"], keep_symmetry=self.document["keep_symmetry"]
        )


def write_recipe(method: str, settings: "Settings", wanted: Relaxation = _FIRST) -> Recipe:
    """Return the recipe of a potential that relaxes as is wanted.

    Raises
    ------
    UsageError
        There is no such potential.
    """
    spec = find_potential(method, settings)
    document = {
        "recipe": _RECIPE,
        "potential": spec.decisive(),
        "corrections": spec.corrections,
        "largest_force": wanted.largest_force,
        "keep_symmetry": wanted.keep_symmetry,
    }
    return Recipe(method, json.loads(json.dumps(document)))


def current_recipe(database: "Database", settings: "Settings", method: str) -> Recipe:
    """Return the recipe of a potential as it is declared now, that relaxes as the last run wanted.

    Raises
    ------
    UsageError
        There is no such potential.
    """
    with database.transaction() as connection:
        chosen = fetch_one(connection, "potentials/chosen_recipe", method=method)
    wanted = Recipe(method, chosen["document"]).wanted if chosen else _FIRST
    return write_recipe(method, settings, wanted)


def chosen_recipe(database: "Database", settings: "Settings") -> Recipe:
    """Return the current recipe of the potential that the settings choose.

    Raises
    ------
    UsageError
        They choose none, or one that nobody declares.
    """
    return current_recipe(database, settings, chosen_potential(settings))


def choose_recipe(database: "Database", recipe: Recipe) -> None:
    """Make a recipe that of its potential: from now on rows of another are not shown and not used."""
    with database.transaction() as connection:
        execute(
            connection,
            "potentials/choose_recipe",
            method=recipe.method,
            sha256=recipe.sha256,
            document=json.dumps(recipe.document),
        )
