"""Labels that people chose, in a report's words and pictures."""

from pathlib import Path

import pytest

from catalyst_assets.campaigns.model import Bound, Objective
from catalyst_assets.report.charts import parity_plots
from catalyst_assets.report.goal import describe_criterion, describe_objective
from catalyst_assets.report.styling import image_bytes
from catalyst_assets.report.summary import Parity
from resources.settings import get_settings


@pytest.fixture(autouse=True)
def _words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tmp_path / "properties.yaml"
    words.write_text(
        "properties:\n"
        "  cost: {unit: 1/kg, label: 'Price in $ a kilogram, $ of 2020, at the purity that a laboratory orders'}\n"
        "  oer: {unit: mV, label: OER overpotential}\n"
    )
    monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(words))
    get_settings.cache_clear()


def test_a_long_label_is_folded_and_its_dollars_begin_no_formula() -> None:
    figure = parity_plots((Parity("cost", (1.0, 2.0), (1.1, 2.1), (0.1, 0.1)),))["cost"]
    (title, *_) = [axes.get_title("left") for axes in figure.axes]
    assert max(map(len, title.splitlines())) <= 40
    assert image_bytes(figure, "svg", "cost").startswith(b"<?xml")


def test_a_sentence_keeps_the_capitals_of_a_label() -> None:
    assert (
        describe_objective(Objective(property="oer", direction="minimize"))
        == "Minimize OER overpotential (mV)"
    )
    assert describe_criterion(Bound(property="oer", max=400)) == "OER overpotential at most 400 mV"
