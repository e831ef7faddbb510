"""The simulated campaigns: arms side by side, their summary, their picture, and what ends their processes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image
from typer.testing import CliRunner

from catalyst_assets.bench.discovery.pools import BenchmarkPool
from catalyst_assets.bench.discovery.report import draw_arms, label_arms, summarize
from catalyst_assets.bench.discovery.simulation import Arm, SeedResult, make_arms, simulate
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.commands.bench.app import app
from catalyst_assets.errors import InvalidCampaignError
from catalyst_assets.representation.features import Features

CATIONS_A, CATIONS_B = ("Ca", "Sr", "Ba", "Pb", "Mg", "Cd"), ("Ti", "Zr", "Hf", "Sn", "Ge", "Si")
NAMES = ("band_gap_direct", "formation_energy_per_atom")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Thirty-six perovskites whose values follow from their cations; eight of them are hits."""
    lines = ["A,B,anion,band_gap_direct,formation_energy_per_atom"]
    lines += [
        f"{a},{b},O3,{0.4 * i + 0.3 * j:.1f},{-3 + 0.1 * i + 0.3 * j:.1f}"
        for i, a in enumerate(CATIONS_A)
        for j, b in enumerate(CATIONS_B)
    ]
    path = tmp_path / "pool.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def goal(tmp_path: Path) -> Path:
    path = tmp_path / "goal.yaml"
    path.write_text(
        "name: few\npool: {source: x}\nmethod: PBE\nvalidator: laboratory\ninitial_batch: 8\n"
        "criteria:\n  - {property: band_gap_direct, min: 1.19, max: 2.11}\n"
        "  - {property: formation_energy_per_atom, max: -1.99}\n"
        "acquisition: {batch_size: 4}\n"
    )
    return path


def _pool(hits: int = 3, size: int = 40) -> tuple[BenchmarkPool, Features]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(size, 4)).astype(np.float32)
    values = pd.DataFrame({NAMES[0]: features[:, 0], NAMES[1]: features[:, 1]})
    is_hit = np.zeros(size, dtype=bool)
    is_hit[np.argsort(-features[:, 0])[:hits]] = True
    ids = tuple(f"m{i:02d}" for i in range(size))
    pool = BenchmarkPool(ids, ("SrTiO3",) * size, tuple(f"s{i % 9}" for i in range(size)), (), values, is_hit)
    return pool, Features(features, tuple(f"desc:{i}" for i in range(4)), {})


def _arms(**changes: object) -> list[Arm]:
    return make_arms(load_campaign("oxide-perovskites-demo"), **changes)  # type: ignore[arg-type]


def test_arms_are_every_combination_and_else_the_campaigns_own() -> None:
    arms = _arms(strategies=["greedy", "random"], exploration_weights=[0.0, 1.0], heads=["gaussian_process"])
    told = [
        (a.campaign.acquisition.strategy, a.campaign.acquisition.exploration_weight, a.heads) for a in arms
    ]
    assert told == [(s, w, "gaussian_process") for s in ("greedy", "random") for w in (0.0, 1.0)]
    (own,) = _arms()
    assert own.campaign == load_campaign("oxide-perovskites-demo")


def test_without_known_physics_every_property_is_learned() -> None:
    goal = load_campaign("solar-water-splitting")
    (arm,) = make_arms(goal, derive=False, max_evaluations=90)
    assert set(arm.campaign.learned_properties) == set(goal.properties)
    assert arm.campaign.stop.max_evaluations == 90
    assert arm.campaign.stop.target_hits == goal.stop.target_hits


def test_a_strategy_that_the_campaign_cannot_have_is_refused() -> None:
    with pytest.raises(InvalidCampaignError, match="constrained_expected_improvement"):
        _arms(strategies=["greedy", "constrained_expected_improvement"])


def test_random_choice_trains_nothing_and_asks_each_once() -> None:
    pool, features = _pool(hits=1)
    pool.is_hit[:] = True
    (arm,) = _arms(strategies=["random"], max_evaluations=99)
    result = simulate(pool, features, arm, seed=3)
    assert result.hits_at == tuple(range(1, 41))
    assert result.train_seconds == result.predict_seconds == (0.0, 0.0)


def _result(hits_at: tuple[int, ...], evaluated: int) -> SeedResult:
    return SeedResult(hits_at, evaluated, 1.0, (2.0, 4.0, 9.0), (1.0, 1.0, 1.0), (0.5, 0.5, 0.5))


def test_summary_counts_a_hit_that_was_not_found_as_later_than_any() -> None:
    pool, _ = _pool(hits=3)
    arms = _arms(strategies=["greedy", "random"])
    good = [_result((5, 9, 12), 12), _result((4, 7, 30), 30), _result((6, 20), 40)]
    poor = [_result((9,), 40), _result((1, 2), 40), _result((), 40)]
    report = summarize(pool, arms, [good, poor])
    first, second = report.arms
    assert (report.evaluations_to_all, report.median_to_all) == ([12, 30, None], 30)
    assert (first.evaluations_to_half, first.median_to_half, first.worst_to_half) == ([9, 7, 20], 9, 20)
    assert first.worst_to_all is None
    assert (second.median_to_half, second.median_to_all) == (None, None)
    assert (first.train_seconds, first.iteration_seconds, first.slowest_iteration_seconds) == (4.0, 5.5, 10.5)
    assert report.random_expected_to_all == pytest.approx(3 * 41 / 4)
    assert report.random_expected_to_half == pytest.approx(2 * 41 / 4)


def test_arms_are_named_by_what_differs(tmp_path: Path) -> None:
    pool, _ = _pool(hits=3)
    arms = _arms(strategies=["greedy", "random"], diversities=[0.0, 1.0])
    report = summarize(
        pool, arms, [[_result((5, 9), 12)], [_result((), 12)], [_result((1,), 12)], [_result((2, 3, 4), 8)]]
    )
    names = [
        "greedy, diversity 0.0",
        "greedy, diversity 1.0",
        "random, diversity 0.0",
        "random, diversity 1.0",
    ]
    assert label_arms(report.arms) == names
    draw_arms(report, tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.size[0] > 600


def test_the_command_runs_arms_in_processes_from_the_same_initial_batch(
    table: Path, goal: Path, tmp_path: Path
) -> None:
    arguments = ["--pool", str(table), "--campaign", str(goal), "--seeds", "2", "--max-evaluations", "16"]
    outcome = CliRunner().invoke(
        app,
        ["discovery", *arguments, "--strategies", "probability_of_feasibility,random", "--json",
         "--plot", str(tmp_path / "curve.svg")],
    )  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    report = json.loads(outcome.stdout)
    assert (report["pool_size"], report["hits"], report["seeds"]) == (36, 8, 2)
    assert report["evaluations_to_all"] == report["arms"][0]["evaluations_to_all"]
    learned, random = report["arms"]
    assert [arm["strategy"] for arm in report["arms"]] == ["probability_of_feasibility", "random"]
    for seed in range(2):
        initial = [[at for at in arm["hits_at"][seed] if at <= 8] for arm in (learned, random)]
        assert initial[0] == initial[1]
    assert learned["train_seconds"] > 0 == random["train_seconds"]
    assert "probability of feasibility" in (tmp_path / "curve.svg").read_text()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--plot", "curve.doc"], ".png"),
        (["--plot", "/nowhere/curve.png"], "/nowhere"),
        (["--exploration-weights", "much"], "much"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_computed(
    options: list[str], named: str, table: Path, goal: Path
) -> None:
    outcome = CliRunner(env={"COLUMNS": "200"}).invoke(
        app, ["discovery", "--pool", str(table), "--campaign", str(goal), *options]
    )
    assert outcome.exit_code == 2
    assert named in outcome.output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_ending_a_benchmark_ends_its_processes(how: signal.Signals) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "catalyst_assets_tests.unit.bench.discovery_process"],
        env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    assert started.stdout is not None
    try:
        assert b"Told" in started.stdout.readline()
        workers = psutil.Process(started.pid).children(recursive=True)
        assert len(workers) >= 2
        os.killpg(started.pid, how) if how is signal.SIGINT else started.send_signal(how)
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert alive == []
        assert started.wait(30) != 0
    finally:
        started.kill()
        started.stdout.close()


def test_ranking_again_is_measured_by_size() -> None:
    outcome = CliRunner().invoke(
        app, ["rerank", "--candidates", "50", "--candidates", "3000", "--strategy", "thompson", "--json"]
    )
    assert outcome.exit_code == 0, outcome.output
    report = json.loads(outcome.stdout)
    assert [run["candidates"] for run in report["runs"]] == [50, 3000]
    assert (report["strategy"], report["exploration_weight"], report["properties"]) == ("thompson", 0.3, 7)
    assert report["runs"][1]["predictions_mb"] == pytest.approx(3000 * 7 * (64 * 4 + 16) / 1e6, abs=0.1)
