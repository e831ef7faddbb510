"""How one looks at a material: from which campaign, and as ranked in which of its iterations."""

from dataclasses import dataclass

from dash_app.contract import CampaignDetail, Candidate, CandidateDetail
from dash_app.material_contract import MaterialDetail


@dataclass(frozen=True)
class Look:
    """What of a material is in sight.

    Attributes
    ----------
    campaigns
        Those that predicted or ranked it, the newest first.
    campaign
        The one that is looked at; None where there is none.
    candidate
        The material as one iteration ranked it; None where that campaign never did.
    """

    campaigns: list[str]
    campaign: str | None
    candidate: Candidate | None


@dataclass(frozen=True)
class Seen:
    """A material with what else the page reads for it.

    Attributes
    ----------
    campaign
        The one that is looked at.
    candidate
        As it was ranked there, with its explanation.
    before, after
        Who stands next to it in that ranking.
    """

    material: MaterialDetail
    look: Look
    campaign: CampaignDetail | None = None
    candidate: CandidateDetail | None = None
    before: Candidate | None = None
    after: Candidate | None = None

    @property
    def is_learned(self) -> bool:
        """Whether anything was known when it was ranked."""
        number = self.candidate.iteration if self.candidate else None
        return number not in unlearned(self.campaign)


def unlearned(campaign: CampaignDetail | None) -> set[int]:
    """Return the iterations in which the same was predicted of every material, as nothing was known yet."""
    progress = campaign.progress if campaign else []
    return {each.iteration for each in progress if each.label_count == 0}


def choose(material: MaterialDetail, campaign: str | None, candidate: str | None) -> Look:
    """Return what an address asks to look at, or else what is newest.

    Parameters
    ----------
    campaign, candidate
        As the address names them.
    """
    met = [each.campaign for each in material.candidates] + [each.campaign for each in material.predictions]
    campaigns = list(dict.fromkeys(met))
    named = next((each for each in material.candidates if str(each.candidate_id) == candidate), None)
    if named is not None and campaign in (None, named.campaign):
        return Look(campaigns, named.campaign, named)
    shown = campaign if campaign in campaigns else next(iter(campaigns), None)
    ranked = next((each for each in material.candidates if each.campaign == shown), None)
    return Look(campaigns, shown, ranked)
