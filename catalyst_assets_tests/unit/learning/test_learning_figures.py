"""Pictures of a model: drawn for one property and for six, with names too long and points too few."""

import io

import numpy as np
import pytest
from PIL import Image

from catalyst_assets.learning.uncertainty.distance import bin_by_distance
from catalyst_assets.learning.uncertainty.figures import (
    draw_error_against_distance,
    draw_loss_curves,
    draw_parity,
    draw_pictures,
    error_by_element,
    errors_by_element,
    parse_curve,
)
from catalyst_assets.learning.uncertainty.report import PropertyReport, ValidationReport, compare

SYSTEMS = ["Ag-Al-O", "Ag-O", "Fe-O", "N-Ti"]
LONG = "a_property_that_someone_gave_a_very_long_name_indeed"


def report_of(errors: list[float]) -> PropertyReport:
    n = len(errors)
    return compare(
        np.arange(n, dtype=float), np.arange(n) + np.array(errors), np.ones(n), np.full(n, 0.4), np.zeros(n)
    )


def size(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as picture:
        picture.load()
        assert picture.format == "PNG"
        return picture.size


def test_an_element_has_the_error_of_every_material_that_holds_it() -> None:
    found = error_by_element(SYSTEMS, np.array([0.1, -0.3, 0.2, 0.5]))
    assert found == {
        "Ag": (pytest.approx(0.2), 2), "Al": (pytest.approx(0.1), 1), "Fe": (pytest.approx(0.2), 1),
        "N": (0.5, 1), "O": (pytest.approx(0.2), 3), "Ti": (0.5, 1),
    }  # fmt: skip


def test_elements_are_those_of_the_labelled_rows() -> None:
    labels = np.array([[0.0, np.nan], [1.0, 0.0], [np.nan, 1.0], [np.nan, np.nan]])
    report = ValidationReport({"band_gap": report_of([0.1, 0.3]), "lattice_a": report_of([0.2, 0.4])})
    errors = errors_by_element(report, labels, SYSTEMS, ["band_gap", "lattice_a"])
    assert set(errors["band_gap"]) == {"Ag", "Al", "O"}
    assert errors["lattice_a"]["Fe"] == (pytest.approx(0.4), 1)


@pytest.mark.parametrize("names", [[LONG], [f"property_{i}" for i in range(6)]])
def test_every_picture_is_drawn(names: list[str]) -> None:
    reports = {name: report_of([0.1, -0.2, 0.3, 0.0]) for name in names}
    curves = {f"{name}/negative_log_likelihood": (2.0, 1.0) for name in names}
    labels = np.zeros((4, len(names)))
    part = report_of([0.1, -0.2] * 10)
    bins = {name: bin_by_distance(part, np.linspace(0.5, 2, 20)) for name in names}
    pictures = draw_pictures(ValidationReport(reports, curves), labels, SYSTEMS, names, bins)
    assert set(pictures) == {
        "parity", "calibration", "error_by_element", "loss_curves", "error_against_distance",
    }  # fmt: skip
    sizes = {name: size(png) for name, png in pictures.items()}
    # Panels wrap into rows, so that six properties are not six times as wide as one.
    assert max(width for width, _ in sizes.values()) < 2000
    assert all(len(png) < 200_000 for png in pictures.values())


def test_without_curves_or_distances_there_are_no_such_pictures() -> None:
    report = ValidationReport({"band_gap": report_of([0.1, 0.2, 0.3, 0.4])})
    few = {"band_gap": bin_by_distance(report.properties["band_gap"], np.linspace(0.5, 2, 4))}
    assert len(few["band_gap"]) == 1
    pictures = draw_pictures(report, np.zeros((4, 1)), SYSTEMS, ["band_gap"], few)
    assert set(pictures) == {"parity", "calibration", "error_by_element"}
    assert size(draw_error_against_distance({"band_gap": ()})) > (0, 0)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("member0/validation_error", ("validation_error", "", "network 1")),
        ("member2/mean_absolute_error/band_gap", ("mean_absolute_error", "band_gap", "network 3")),
        ("band_gap/negative_log_likelihood", ("negative_log_likelihood", "", "band_gap")),
    ],
)
def test_a_curve_says_what_it_is_of(name: str, parsed: tuple[str, str, str]) -> None:
    assert parse_curve(name) == parsed


def test_networks_share_a_panel_and_metrics_do_not() -> None:
    falling = (2.0, 1.0, 0.5)
    one = size(draw_loss_curves({f"member{number}/training_loss": falling for number in range(3)}))
    metrics = ("mean_absolute_error/band_gap", "negative_log_likelihood/band_gap")
    two = size(
        draw_loss_curves({f"member{number}/{name}": falling for number in range(3) for name in metrics})
    )
    assert two[0] > 1.5 * one[0]


def test_bars_longer_than_the_panel_do_not_stretch_it() -> None:
    short, long = report_of([0.1, -0.2, 0.3, 0.0]), report_of([0.1, -0.2, 0.3, 0.0])
    long.std[:] = 1e6
    sizes = [size(draw_parity({"band_gap": report})) for report in (short, long)]
    assert abs(sizes[0][1] - sizes[1][1]) < 20
