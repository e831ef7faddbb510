"""A file of results is taken whole or refused whole, shown beforehand, and once however often it comes."""

from collections.abc import Sequence
from typing import Any

import pytest

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.validation.submissions.outcome import Outcome
from catalyst_assets.validation.submissions.reading.entries import Defaults
from catalyst_assets.validation.submissions.reading.problems import RefusedFileError
from catalyst_assets.validation.submissions.submitting import ResultFile, submit_file
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.loading import query
from resources.platform import Platform

MATERIALS = ["demo:SrTiO3", "demo:BaTiO3", "demo:CaTiO3"]
FORMULAS = ["SrTiO3", "BaTiO3", "CaTiO3"]
HEADER = "candidate,material_id,formula,property,value,unit,method,standard_deviation,synthesis,replicate,note,correction"
LEDGER = (
    "SELECT partition_key, material_id, property, outcome, value, unit, standard_deviation, supersedes IS NOT NULL "
    "FROM validation_results ORDER BY result_id"
)
ROCK_SALT = """MgO
4.21
0 0.5 0.5
0.5 0 0.5
0.5 0.5 0
Mg O
1 1
direct
0 0 0
0.5 0.5 0.5
"""


@pytest.fixture
def candidates(campaign: ReviewedCampaign) -> list[int]:
    """Three candidates of the first iteration, two of them with the laboratory."""
    document = load_campaign("oxide-perovskites-demo").document | {"validator": "laboratory"}
    campaign.document.update(document)
    numbers = campaign.rank(0, MATERIALS, FORMULAS)
    for number in numbers[:2]:
        campaign.move(number, "flagged", "in_validation")
    return numbers


def submit(
    platform: Platform, *rows: str, header: str = HEADER, name: str = "results.csv", **more: Any
) -> Outcome:
    text = "\n".join([header, *rows])
    return submit_file(platform, ResultFile(name, text.encode()), by="ann", **more)


def refusal(platform: Platform, *rows: str, **more: Any) -> str:
    with pytest.raises(RefusedFileError) as refused:
        submit(platform, *rows, **more)
    assert query(platform, "SELECT count(*) FROM result_submissions") == [(0,)]
    return str(refused.value)


def both_values(number: int, gap: float, energy: float) -> Sequence[str]:
    return (
        f"{number},,,band_gap_direct,{gap},eV,PBE,0.1,yes,,,",
        f"{number},,,formation_energy_per_atom,{energy},eV/atom,PBE,,yes,,,",
    )


def test_preview_shows_what_submitting_then_does(platform: Platform, candidates: list[int]) -> None:
    rows = (*both_values(candidates[0], 1.9, -2.0), f"{candidates[1]},,,,,,PBE,,no,,did not form,")
    shown = submit(platform, *rows, dry_run=True)
    assert query(platform, "SELECT count(*) FROM validation_results") == [(0,)]
    done = submit(platform, *rows)
    assert (
        (shown.added, shown.failed, shown.unchanged) == (done.added, done.failed, done.unchanged) == (3, 1, 0)
    )
    assert shown.movements == done.movements
    assert [(m.candidate, m.before, m.after) for m in shown.movements] == [
        (candidates[0], "in_validation", "validated"),
        (candidates[1], "in_validation", "flagged"),
    ]
    key = "oxide-perovskites-demo__0000"
    assert query(platform, LEDGER) == [
        (key, MATERIALS[0], "band_gap_direct", "measured", 1.9, "eV", 0.1, False),
        (key, MATERIALS[0], "formation_energy_per_atom", "measured", -2.0, "eV/atom", None, False),
        (key, MATERIALS[1], None, "failed", None, None, None, False),
    ]
    assert platform.objects.exists(f"raw/{done.sha256[:2]}/{done.sha256}")


def test_same_file_again_changes_nothing_and_says_so(platform: Platform, candidates: list[int]) -> None:
    rows = both_values(candidates[0], 1.9, -2.0)
    submit(platform, *rows)
    again = submit(platform, *rows)
    assert (again.added, again.corrected, again.unchanged) == (0, 0, 2)
    assert "are in the ledger already, submitted by ann on" in next(again.lines())
    assert query(platform, "SELECT count(*) FROM validation_results") == [(2,)]


def test_correction_says_why_and_keeps_what_was(platform: Platform, candidates: list[int]) -> None:
    number = candidates[0]
    submit(platform, *both_values(number, 1.9, -2.0))
    rows = f"{number},,,band_gap_direct,2.1,eV,PBE,0.1,yes,,,"
    with pytest.raises(RefusedFileError, match=r"line 2.*is 1\.9 eV in the ledger"):
        submit(platform, rows)
    done = submit(platform, f"{number},,,band_gap_direct,2100,meV,PBE,100,yes,,,wrong lamp")
    (correction,) = done.corrections
    assert (correction.before, correction.after, correction.why) == (
        "1.9 ± 0.1 eV",
        "2.1 ± 0.1 eV",
        "wrong lamp",
    )
    assert done.conversions == ("band_gap_direct: 1 from meV to eV",)
    assert [row[4:] for row in query(platform, LEDGER)][2:] == [(2.1, "eV", 0.1, True)]


def test_one_bad_row_refuses_all_and_every_bad_row_is_named(
    platform: Platform, candidates: list[int]
) -> None:
    first, second, _ = candidates
    told = refusal(
        platform,
        *both_values(first, 1.9, -2.0),
        f"{second},{MATERIALS[0]},,band_gap_direct,1,eV,PBE,,,,,",
        f"{second},,SrTiO3,band_gap_direct,1,eV,PBE,,,2,,",
        "999999,,,band_gap_direct,1,eV,PBE,,,,,",
        ",nobody:knows,,band_gap_direct,1,eV,PBE,,,,,",
        ",,CdTe,band_gap_direct,1,eV,PBE,,,,,",
        f"{first},,,band_gap_direct,1.9,eV,PBE,0.1,yes,,,",
        f"{first},,,band_gap_direct,1.8,eV,PBE,0.1,yes,,,",
    )
    assert f"line 4, column material_id: 'demo:SrTiO3' is not the material of candidate {second}" in told
    assert (
        f"line 5, column formula: 'SrTiO3' is not the formula of candidate {second}, which is BaTiO3" in told
    )
    assert "line 6, column candidate: 999999 is the number of no candidate" in told
    assert "line 7, column material_id: 'nobody:knows' is no material that is known here" in told
    assert "line 8, column formula: 'CdTe' is the formula of no material that is known here" in told
    assert "line 9, column value: 1.9 is band_gap_direct of" in told
    assert "a second time, the same as in line 2" in told
    assert "line 10, column value: 1.8 contradicts line 2" in told
    assert query(platform, "SELECT count(*) FROM validation_results") == [(0,)]


def test_candidate_of_another_campaign_than_named(platform: Platform, candidates: list[int]) -> None:
    row = f"{candidates[0]},,,band_gap_direct,1,eV,PBE,,,,,"
    told = refusal(platform, row, defaults=Defaults(campaign="solar"))
    assert "'solar' is no campaign" in told
    other = ReviewedCampaign(platform.database, "solar").start()
    other.document["name"] = "solar"
    told = refusal(platform, row, defaults=Defaults(campaign="solar"))
    assert (
        f"line 2, column candidate: {candidates[0]} is a candidate of campaign oxide-perovskites-demo, not of solar"
        in told
    )


def test_rows_without_candidate_find_it_and_mean_the_same_later(
    platform: Platform, candidates: list[int]
) -> None:
    by_material = f",{MATERIALS[0]},,band_gap_direct,1.9,eV,PBE,,,,,"
    by_formula = ",,BaTiO3,band_gap_direct,1.2,eV,PBE,,,,,"
    nobodys = ",,CaTiO3,band_gap_direct,1.4,eV,PBE,,,,,"
    submit(platform, by_material, by_formula, nobodys)
    assert [(row[0], row[1]) for row in query(platform, LEDGER)] == [
        ("oxide-perovskites-demo__0000", MATERIALS[0]),
        ("oxide-perovskites-demo__0000", MATERIALS[1]),
        (None, MATERIALS[2]),
    ]
    ReviewedCampaign(platform.database).move(candidates[2], "flagged")
    again = submit(platform, by_material, by_formula, nobodys.replace(",,,,,", ",,,,,") + " ")
    assert (again.added, again.unchanged) == (0, 3)


def test_formula_of_several_materials_needs_more(platform: Platform, campaign: ReviewedCampaign) -> None:
    campaign.rank(0, ["demo:1", "demo:2"], ["SrTiO3", "SrTiO3"])
    told = refusal(platform, ",,SrTiO3,band_gap_direct,1,eV,PBE,,,,,")
    assert "'SrTiO3' is the formula of 2 materials: demo:1, demo:2" in told


def test_material_that_nobody_knew_is_ingested_with_its_result(platform: Platform) -> None:
    header = "formula,structure,property,value,unit,method"
    rows = (f'MgO,"{ROCK_SALT}",band_gap,7.8,eV,experiment',)
    shown = submit(platform, *rows, header=header, dry_run=True)
    assert query(platform, "SELECT count(*) FROM materials") == [(0,)]
    done = submit(platform, *rows, header=header)
    (name,) = done.new_materials
    assert shown.new_materials == (name,)
    assert done.added == 1
    assert query(platform, "SELECT material_id, reduced_formula FROM materials") == [(name, "MgO")]
    assert query(platform, LEDGER) == [(None, name, "band_gap", "measured", 7.8, "eV", None, False)]
    moved = ROCK_SALT.replace("0 0 0\n0.5 0.5 0.5", "0.5 0.5 0.5\n0 0 0").replace("4.21", "4.25")
    again = submit(platform, f'MgO,"{moved}",band_gap,7.7,eV,PBE', header=header)
    assert again.new_materials == ()
    assert [row[1] for row in query(platform, LEDGER)] == [name, name]


def test_structure_of_another_phase_is_not_the_candidates(platform: Platform, candidates: list[int]) -> None:
    told = refusal(
        platform,
        f'{candidates[0]},"{ROCK_SALT}",band_gap,1,eV,PBE',
        header="candidate,structure,property,value,unit,method",
    )
    assert "line 2, column structure: the structure is not that of candidate" in told


def test_result_far_from_its_replicates_is_flagged_and_kept(
    platform: Platform, candidates: list[int]
) -> None:
    rows = [
        f"{candidates[0]},,,band_gap_direct,{value},eV,PBE,,,{number},,"
        for number, value in enumerate((1.90, 1.91, 1.89, 1.92, 2.90), 1)
    ]
    done = submit(platform, *rows)
    (outlier,) = done.outliers
    assert (outlier.value, outlier.replicate, outlier.of) == (2.9, 5, 5)
    assert outlier.z_score == pytest.approx(0.6745 * 0.99 / 0.01)
    assert query(platform, "SELECT count(*) FROM validation_results") == [(5,)]


def test_another_method_is_welcome_and_said(platform: Platform, candidates: list[int]) -> None:
    done = submit(platform, f"{candidates[0]},,,band_gap_direct,1.9,eV,HSE06,,,,,")
    assert done.added == 1
    assert done.movements == ()
    assert done.remarks == (
        "1 results are by HSE06, and oxide-perovskites-demo learns from PBE: they are kept, and no label of it.",
    )
