"""The board of validation in a real browser: its moves, results by form and file, and who decided meanwhile."""

import re

import pytest
from playwright.sync_api import Page, expect

from catalyst_assets_tests.integration.dash_app.laboratory import Laboratory, laboratory
from catalyst_assets_tests.integration.dash_app.review_page import cards
from catalyst_assets_tests.integration.dash_app.serving import bearer, sign_in_address
from resources.postgres.database import Database
from resources.settings import Settings

pytestmark = pytest.mark.browser


def holds(page: Page, **counts: int) -> None:
    """The columns say that they hold so many."""
    for status, n in counts.items():
        expect(page.locator(f"#count-{status}")).to_have_text(str(n))
        expect(cards(page, status)).to_have_count(n)


def open_board(page: Page, lab: Laboratory, database: Database) -> list[str]:
    """Sign in and go to the board; return what the console complains of from now on."""
    url = str(lab.api.base_url).removesuffix("/api/v1/")
    page.goto(url + sign_in_address(database))
    expect(page.locator("#who")).to_contain_text("Ada Lovelace")
    complaints: list[str] = []
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{url}/campaigns/{lab.campaign.name}/validation")
    expect(page.locator("#live")).to_have_text("Live")
    return complaints


def test_results_by_form_and_file_move_the_board_and_a_retraction_moves_it_back(
    page: Page, database: Database, settings: Settings
) -> None:
    with laboratory(database, settings) as lab:
        complaints = open_board(page, lab, database)
        holds(page, ranked=0, flagged=3, in_validation=0, validated=0, rejected=0)
        first = cards(page, "flagged").first
        expect(first).to_contain_text("Ada Lovelace")
        expect(first.locator("[data-move]")).to_have_text(["Start", "Result…", "Reject"])

        page.keyboard.press("j")
        page.keyboard.press("s")
        page.locator("#decide-confirm").click()
        holds(page, flagged=2, in_validation=1)
        expect(cards(page, "in_validation")).to_contain_text("SrTiO3")
        expect(cards(page, "in_validation").locator("[data-move]")).to_have_text(
            ["Result…", "Give back", "Reject"]
        )

        page.keyboard.press("e")
        expect(page.locator("#result-title")).to_have_text("Result of SrTiO3, candidate 1")
        page.locator("#result-value").fill("1.62")
        page.locator("#result-deviation").fill("0.04")
        page.locator(".more-fields summary").click()
        page.locator("#result-sample").fill("S-7")
        page.locator("#result-look").click()
        expect(page.locator("#result-preview tbody tr")).to_contain_text("Label 1.620 ± 0.040 eV")
        page.locator("#result-confirm").click()
        expect(page.locator("#outcome")).to_have_text("1 added; recorded.")

        # Sent and looked at elsewhere: the board follows.
        lab.send(lab.energy(0, -2.5))
        lab.look()
        holds(page, in_validation=0, validated=1)
        expect(cards(page, "validated")).to_contain_text("Hit")

        page.locator("#upload").click()
        expect(page.locator("#upload-dialog")).to_be_visible()
        table = "candidate,band gap direct [eV],formation energy per atom [eV/atom]\n"
        sound = f"{lab.candidates[1]},5.2,-2\n"
        sent = {"bad.csv": f"{sound}{lab.candidates[2]},wide,-2\n", "good.csv": sound}
        drop, told = page.locator("#upload-file input"), page.locator("#upload-preview")
        for name, row in sent.items():
            drop.set_input_files({"name": name, "mimeType": "text/csv", "buffer": (table + row).encode()})
            if name == "bad.csv":
                expect(told).to_contain_text("2 other results are in order.")
                expect(told.locator("tbody tr")).to_have_count(1)
                expect(page.locator("#upload-confirm")).to_be_disabled()
        expect(told.locator("tbody tr")).to_have_count(2)
        expect(told).to_contain_text("flagged → rejected (poor): no hit")
        expect(told.locator("tbody tr").first).to_contain_text("standard deviations above what was predicted")
        page.locator("#upload-confirm").click()
        expect(page.locator("#outcome")).to_have_text("2 added; recorded.")
        lab.look()
        holds(page, flagged=1, validated=1, rejected=1)

        page.locator("#results-tab").click()
        expect(page).to_have_url(re.compile(r"view=results"))
        rows = page.locator("#results-view tbody tr")
        expect(rows).to_have_count(4)
        gap = rows.filter(has_text="S-7")
        gap.get_by_role("button", name="Correct…").click()
        expect(page.locator("#result-title")).to_have_text(re.compile(r"Correct result \d+ of SrTiO3"))
        expect(page.locator("#result-value")).to_have_value("1.62")
        page.locator("#result-value").fill("1.60")
        page.locator("#result-correction").fill("lamp was off")
        page.locator("#result-look").click()
        expect(page.locator("#result-preview tbody tr")).to_contain_text("Corrects 1.62 ± 0.04 eV")
        page.locator("#result-confirm").click()
        expect(rows).to_have_count(5)
        rows.first.get_by_role("button", name="Retract…").click()
        page.locator("#retract-reason").fill("wrong sample")
        page.locator("#retract-confirm").click()
        expect(rows.first).to_contain_text("Retraction")
        rows.first.get_by_role("button", name="History").click()
        expect(page.locator("#history-list li")).to_contain_text(
            [
                "Sent as 1.620 ± 0.040 eV by Ada",
                "Corrected to 1.600 ± 0.040 eV by Adalamp was off".replace("Adalamp", "Ada Lovelacelamp"),
                "Retracted by Ada Lovelace",
            ]
        )
        page.locator("#history [data-close]").click()
        lab.look()
        page.locator("#board-tab").click()
        holds(page, in_validation=1, validated=0, rejected=1)
        page.goto("about:blank")  # its stream of events ends before the server does
        assert complaints == []


def test_who_decided_meanwhile_is_told_and_what_was_typed_stays(
    page: Page, database: Database, settings: Settings
) -> None:
    with laboratory(database, settings) as lab:
        open_board(page, lab, database)
        holds(page, flagged=3)
        cards(page, "flagged").first.locator("[data-move=reject]").click()
        page.locator("[data-kind=withdrawn]").click()
        page.locator("#decide-reason").fill("too dear")
        grace = bearer(database, "Grace Hopper", "review")
        lab.api.post(f"/candidates/{lab.candidates[0]}/start", json={}, headers=grace).raise_for_status()
        page.locator("#decide-confirm").click()
        expect(page.locator("#decide-complaint")).to_contain_text("Somebody decided meanwhile")
        expect(page.locator("#decide-complaint")).to_contain_text("it is in validation, by Grace Hopper")
        expect(page.locator("#decide-reason")).to_have_value("too dear")
        holds(page, flagged=2, in_validation=1)
        page.locator("#decide-confirm").click()
        holds(page, flagged=2, in_validation=0, rejected=1)
        expect(cards(page, "rejected")).to_contain_text("Withdrawn")

        # Two of a selection, moved together.
        for card in cards(page, "flagged").all():
            card.click(modifiers=["Shift"])
        expect(page.locator("#selection-count")).to_have_text("2 selected")
        expect(page.locator("#moves [data-decide]:visible")).to_have_text(["Start…", "Reject…"])
        page.locator("#move-start").click()
        page.locator("#decide-confirm").click()
        holds(page, flagged=0, in_validation=2)
        page.goto("about:blank")
