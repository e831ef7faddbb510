"""`catalyst demo --review`: the loop up to a batch that a person decides about, and what that person does next."""

from typing import TYPE_CHECKING

from catalyst_assets.loop.state import VALIDATION_JOB, Run, Wait

if TYPE_CHECKING:
    from rich.console import Console

    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.commands.driver import LoopDriver
    from catalyst_assets.loop.advance import Advance
    from resources.settings import Settings


class ReviewAwaitedError(Exception):
    """The loop waits for a person; nothing is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def hand_over(driver: "LoopDriver", advance: "Advance", manual: "Campaign") -> None:
    """Let people decide once the initial batch is on its way, and stop where they are waited for.

    Raises
    ------
    ReviewAwaitedError
        A batch waits for them.
    """
    from catalyst_assets.loop.campaigns import start_campaign

    match advance.decision:
        case Run(job=job, key=key) if job == VALIDATION_JOB and key.iteration == 0:
            start_campaign(driver.platform.database, manual)
        case Wait(on="review", reason=reason):
            raise ReviewAwaitedError(reason)


def tell_next(console: "Console", campaign: str, reason: str, settings: "Settings", option: str) -> None:
    """Say what waits, and what to do about it."""
    from catalyst_assets.constants import in_sentence

    app = f"http://{settings.host}:{settings.app_port}"
    console.print(f"The loop waits for you: {in_sentence(reason)}.", markup=False)
    console.print(
        f"1. `catalyst up{option}` starts the review app and prints a link that signs you in, once; "
        f"{app}/campaigns/{campaign} then lists the candidates, best first, with predictions and uncertainties.\n"
        "2. Flag those worth validating, reject others with a kind and a reason (docs/review.md). By the API:\n"
        f"   TOKEN=$(catalyst tokens create 'your name' --may review{option})\n"
        f"   curl -H \"Authorization: Bearer $TOKEN\" '{app}/api/v1/candidates?campaign={campaign}&status=ranked'\n"
        f'   curl -H "Authorization: Bearer $TOKEN" -X POST {app}/api/v1/candidates/NUMBER/flag\n'
        "3. What is flagged is answered within seconds while `catalyst up` runs, and the next batch follows when this one is "
        f"answered. `catalyst campaign show {campaign}{option}` says how it stands; "
        f"`catalyst demo --review{option}` goes on without `catalyst up`.",
        markup=False,
    )
