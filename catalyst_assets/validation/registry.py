"""What implements the validators that ``vocabulary.validators`` declares.

One that is declared as answering from outside needs nothing here: its results are submitted.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.library import check_known, parse_sensible
from catalyst_assets.errors import LoopError
from catalyst_assets.validation.adsorption.answerable import adsorption_settings, check_adsorption
from catalyst_assets.validation.dft.methods import check_computable, find_method
from catalyst_assets.validation.jobs import programs
from catalyst_assets.validation.jobs.validators import JobValidator
from catalyst_assets.validation.reference_table import ReferenceTable
from catalyst_assets.validation.validators import Validator
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers

if TYPE_CHECKING:
    from catalyst_assets.campaigns.model import Campaign
    from resources.platform import Platform

IMPLEMENTATIONS: Final[Mapping[str, Callable[["Platform"], Validator]]] = {
    ReferenceTable.name: lambda platform: ReferenceTable(),
    programs.GPAW: lambda platform: JobValidator(programs.GPAW, lambda name: find_method(name).settings()),
    programs.ADSORPTION: lambda platform: JobValidator(programs.ADSORPTION, adsorption_settings),
    programs.COMMAND: lambda platform: JobValidator(programs.COMMAND),
}


def find_validator(name: str, platform: "Platform") -> Validator | None:
    """Return the validator of that name; None when its answers come from outside.

    Raises
    ------
    LoopError
        It is one of ours, and nothing implements it here.
    """
    implementation = IMPLEMENTATIONS.get(name)
    if implementation is not None:
        return implementation(platform)
    if name in VALIDATORS and VALIDATORS[name].answers is not Answers.FROM_OUTSIDE:
        raise LoopError(f"Nothing here answers as {name}.", why_unavailable(name, platform))
    return None


def why_unavailable(name: str, platform: "Platform", method: str | None = None) -> str:
    """Say what a declared validator lacks to work in this installation, by a method; empty where it can."""
    if VALIDATORS[name].answers is not Answers.BY_JOBS:
        return ""
    return programs.why_unavailable(name, platform.settings, method)


def check_answerable(campaign: "Campaign") -> None:
    """Refuse a campaign whose validator is not set up to answer its method or its properties.

    Raises
    ------
    UsageError
        Says what it cannot answer, and what it can.
    """
    if campaign.validator == programs.GPAW:
        check_computable(campaign.method, campaign.learned_properties)
    if campaign.validator == programs.ADSORPTION:
        check_adsorption(campaign.method, campaign.learned_properties)


def check_goal(document: dict[str, Any], where: str) -> "Campaign":
    """Return the campaign of a document, refused as `catalyst campaign validate` refuses its file.

    Parameters
    ----------
    where
        What messages call it.

    Raises
    ------
    UsageError
        It is not valid, names what nobody declared, or its validator cannot answer it.
    """
    campaign = parse_sensible(document, where)
    check_known(campaign)
    check_answerable(campaign)
    return campaign
