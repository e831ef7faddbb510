"""Which model predicts in a simulated campaign: the iteration's own, or the best so far as the registry chooses it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalyst_assets.learning.heads.fitting import condition_head
from catalyst_assets.learning.models.comparison import VersionScores, compare_on_shared, decide_champion

if TYPE_CHECKING:
    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.learning.heads.head import FittedHead
    from catalyst_assets.learning.training_set import TrainingSet


@dataclass
class Reign:
    """The champion of one simulated campaign, and how often it changed.

    Attributes
    ----------
    versions
        Heads that were fitted.
    earlier
        Iterations whose predictions came from an earlier version.
    """

    campaign: "Campaign"
    versions: int = 0
    earlier: int = 0
    _champion: "tuple[VersionScores, FittedHead, TrainingSet] | None" = field(default=None, repr=False)

    def predictor(self, own: "FittedHead", known: "TrainingSet") -> "FittedHead":
        """Enter an iteration's own head, fitted to ``known``, and return what predicts."""
        self.versions += 1
        report = own.report
        scores = VersionScores(
            self.versions,
            report.relative_mae if report else None,
            report.miscalibration_area if report else None,
        )
        shared = before = None
        if self._champion is not None:
            before, head, learned_from = self._champion
            shared = compare_on_shared((report, known), (head.report, learned_from))
        if decide_champion(scores, before, shared).is_promoted:
            self._champion = scores, own, known
            return own
        if self._champion is None or self._champion[1].report is None:
            return own
        self.earlier += 1
        return condition_head(
            self._champion[1],
            self.campaign.learning.heads,
            known.features,
            known.feature_names,
            known.labels,
            known.chemical_systems,
        )
