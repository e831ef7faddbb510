"""The hash of a label set."""

import math

from hypothesis import given
from hypothesis import strategies as st

from catalyst_assets.campaigns.labels import hash_labels


def _label(material: str, value: float, **changes: object) -> dict[str, object]:
    base = {
        "material_id": material,
        "property": "band_gap",
        "method": "PBE",
        "value": value,
        "origin": "validated",
    }
    return base | changes


@given(st.permutations([_label("a", 1.0), _label("b", 2.0), _label("c", 3.0)]))
def test_order_of_rows_does_not_change_the_hash(rows: list[dict[str, object]]) -> None:
    assert hash_labels(rows) == hash_labels([_label("a", 1.0), _label("b", 2.0), _label("c", 3.0)])


def test_every_field_and_the_last_bit_of_a_value_change_the_hash() -> None:
    changed = [
        _label("b", 0.2),
        _label("a", math.nextafter(0.2, 1)),
        _label("a", 0.2, property="band_gap_direct"),
        _label("a", 0.2, method="HSE06"),
        _label("a", 0.2, origin="computed"),
        _label("a", 0.2, standard_deviation=0.0),
        _label("a", 0.2, standard_deviation=0.1),
        _label("a", 0.2, standard_deviation=math.nextafter(0.1, 1)),
    ]
    hashes = {hash_labels([row]) for row in [_label("a", 0.2), *changed]}
    assert len(hashes) == 9


def test_labels_of_which_no_noise_is_known_keep_the_hash_they_always_had() -> None:
    rows = [_label("a", 1.0), _label("b", 2.0)]
    assert hash_labels(rows) == "e1d910c351cd6e46c5a9f44fe1e4a93447dd86896e27979933662950f6b35629"
    assert hash_labels(
        [row | {"standard_deviation": None, "result_ids": [3]} for row in rows]
    ) == hash_labels(rows)


def test_one_label_more_is_another_set() -> None:
    assert hash_labels([_label("a", 1.0)]) != hash_labels([_label("a", 1.0), _label("b", 1.0)])
    assert hash_labels([]) != hash_labels([_label("a", 1.0)])
