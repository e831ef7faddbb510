"""Which potential relaxes what is ingested: the setting's, if it can be asked on this machine."""

from typing import TYPE_CHECKING

from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.potentials.table import find_potential, known_potentials

if TYPE_CHECKING:
    from resources.settings import Settings


def chosen_potential(settings: "Settings") -> str:
    """Return the name of the potential that the settings choose.

    Raises
    ------
    UsageError
        They choose none, or one that nobody declares.
    """
    if settings.potential is None:
        raise UsageError(
            f"No potential is chosen. There are {', '.join(sorted(known_potentials(settings)))}.",
            "Set CATALYST_POTENTIAL to one of them, and install the environment that it needs with `catalyst potentials "
            "install`.",
        )
    find_potential(settings.potential, settings)
    return settings.potential


def can_ask(settings: "Settings") -> bool:
    """Tell whether a potential is chosen and can be started on this machine."""
    from catalyst_assets.potentials.client import WorkerPotential

    if settings.potential is None:
        return False
    try:
        WorkerPotential.of(settings.potential, settings)
    except CatalystError:
        return False
    return True
