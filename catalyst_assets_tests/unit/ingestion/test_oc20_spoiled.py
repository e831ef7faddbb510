"""No input makes OC20's parsers crash, or give what may not be loaded."""

import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_assets.errors import CatalystError, SourceError
from catalyst_assets.ingestion.adsorption.records import AdsorptionParser
from catalyst_assets.ingestion.oc20.frames import Frame, read_frame
from catalyst_assets.ingestion.oc20.label_tables import EnergyTableParser
from catalyst_assets.ingestion.oc20.mapping import MappingParser
from catalyst_assets.ingestion.oc20.relaxations import RelaxationParser
from catalyst_assets.ingestion.oc20.s2ef import S2efParser
from catalyst_assets.ingestion.untrusted.archives import list_members, read_member
from catalyst_assets_tests.oc20_reading import holds, read
from catalyst_assets_tests.oc20_samples import (
    SAMPLES,
    frame,
    mapping_entry,
    pack,
    relaxations,
    s2ef_pair,
    slab,
)

_SEEDS: dict[str, tuple[Callable[[], AdsorptionParser], bytes]] = {
    "relaxations": (RelaxationParser, relaxations("H", {"random1": 0.1, "random2": 0.2})),
    "s2ef": (
        S2efParser,
        pack(
            [
                (name, part)
                for name, part in zip(
                    ("0.extxyz.xz", "0.txt.xz"),
                    s2ef_pair(["random1,frame1,-178.5"] * 2, [frame(slab("H"), -178.0)] * 2),
                    strict=True,
                )
            ]
        ),
    ),
    "table": (
        EnergyTableParser,
        b"id,target,ads,bulk_symbols,miller\nr1,0.5,H,Pt4,1 1 1\nr2,-0.5,OH,Pt4,1 1 1\n",
    ),
    "mapping": (MappingParser, (SAMPLES / "oc20_data_mapping_example.json").read_bytes()),
}


@pytest.mark.parametrize("name", sorted(_SEEDS))
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=8)), max_size=4), cut=st.floats(0, 1))
@settings(max_examples=60)
def test_spoiled_files_are_refused_or_set_aside(
    name: str, changes: list[tuple[float, bytes]], cut: float
) -> None:
    parser, seed = _SEEDS[name]
    data = bytearray(seed)
    for place, piece in changes:
        at = int(place * len(data))
        data[at : at + len(piece)] = piece
    spoiled = bytes(data[: int(len(data) * max(cut, 0.2))])
    try:
        found = read(parser(), spoiled)
    except CatalystError:
        return
    for outcome in found:
        holds(outcome)


@given(text=st.text(max_size=300), energy=st.text("0123456789.-+eEnaif ", max_size=12))
@settings(max_examples=60)
def test_frames_of_any_text_are_read_or_refused(text: str, energy: str) -> None:
    whole = frame(slab("H"), energy or "x")
    for given_text in (text, whole, whole.replace("0.03", text[:5] or "1", 1)):
        outcome = read_frame(given_text.encode("utf-8", "replace"))
        assert isinstance(outcome, Frame) or outcome.reason.isprintable()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    entry=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                "ads_symbols",
                "bulk_mpid",
                "miller_index",
                "shift",
                "top",
                "adsorption_site",
                "class",
                "anomaly",
            ),
            _json,
        ),
    ),
    key=st.text(max_size=10),
    whole=_json,
)
@settings(max_examples=100)
def test_any_mapping_gives_systems_or_reasons(entry: dict[str, Any], key: str, whole: Any) -> None:
    for held in ({key: mapping_entry() | entry}, whole):
        try:
            found = read(MappingParser(), json.dumps(held).encode())
        except CatalystError:
            continue
        for outcome in found:
            holds(outcome)


@given(size=st.integers(-(2**40), 2**40), name=st.text(max_size=20))
def test_a_header_may_say_any_size_and_name(size: int, name: str) -> None:
    header = tarfile.TarInfo("x")
    header.size = abs(size)
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    if size < 0:
        block[124:136] = size.to_bytes(12, "big", signed=True)
    label = name.encode("utf-8", "replace")[:99]
    block[: len(label)] = label
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    data = bytes(block) + bytes(512)
    try:
        listing = list_members("x", io.BytesIO(data))
    except SourceError:
        return
    for member in listing.members:
        assert len(b"".join(read_member(io.BytesIO(data), member))) <= len(data)
