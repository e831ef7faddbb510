"""Files that can harm their reader, read by a process of its own."""

import io
import os
import pickle
import sys
import types
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_assets.errors import CatalystError, SourceError
from catalyst_assets.ingestion.adsorption.records import RELAXED, AdsorptionEnergy, check_energy
from catalyst_assets.ingestion.oc20.lmdb_files import AseLmdbParser, PickledLmdbParser
from catalyst_assets.ingestion.oc20.mapping import PickledMappingParser
from catalyst_assets.ingestion.records import Rejection
from catalyst_assets.ingestion.untrusted.pickles import RefusedError, load_dictionary, load_graph, plain
from catalyst_assets.ingestion.untrusted.process import Form, read_untrusted
from catalyst_assets_tests.oc20_reading import energies, holds, raw_file, read, reasons
from catalyst_assets_tests.oc20_samples import ase_lmdb, ase_row, mapping_entry, write_lmdb


class Hostile:
    """Its pickle runs a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def graph(monkeypatch: pytest.MonkeyPatch, *, older: bool = False, **fields: Any) -> bytes:
    """Pickle a graph as torch_geometric does, whose classes need not be there."""

    def define(module: str, name: str) -> type:
        held = types.ModuleType(module)
        made = type(name, (), {"__module__": module})
        setattr(held, name, made)
        for package in ("torch_geometric", "torch_geometric.data"):
            monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
        monkeypatch.setitem(sys.modules, module, held)
        return made

    data: Any = define("torch_geometric.data.data", "Data")()
    if older:
        data.__dict__.update(fields)
    else:
        data._store = define("torch_geometric.data.storage", "GlobalStorage")()
        data._store.__dict__.update({"_mapping": fields, "_parent": data})
    return pickle.dumps(data, protocol=pickle.HIGHEST_PROTOCOL)


def fields(**changes: Any) -> dict[str, Any]:
    import torch

    return {
        "y_relaxed": -1.2259964000000991,
        "sid": 1285791,
        "tags": torch.tensor([0, 1, 2, 2]),
        "atomic_numbers": torch.tensor([78.0, 41.0, 8.0, 1.0]),
        "pos": torch.rand(4, 3),
        "cell": torch.rand(1, 3, 3),
        "natoms": 4,
    } | changes


# ASE databases -------------------------------------------------------------------------------------------------------


def test_rows_of_an_ase_database_become_energies(tmp_path: Path) -> None:
    path = ase_lmdb(
        tmp_path / "x.aselmdb",
        {
            "1": ase_row(),
            "2": ase_row(key_value_pairs={"system_id": "random78", "reference_energy": -135.0}),
            "3": ase_row(),
            "10": ase_row(key_value_pairs={"sid": 79, "fid": 1}),
            "11": ase_row(tags=[0] * 34, key_value_pairs={"sid": 80, "fid": 1, "reference_energy": -1.0}),
            "12": ase_row(key_value_pairs={"sid": 77, "fid": 3, "reference_energy": -134.0}),
            "13": b"no zlib",
            "14": zlib.compress(b"[" * 100_000),
            "15": zlib.compress(bytes(65 * 1024**2)),
            "16": ase_row(energy="what", key_value_pairs={"sid": 81, "reference_energy": -1.0}),
            "17": ase_row(key_value_pairs={"sid": "a b"}),
            "odd": ase_row(),
        },
        deleted=[3],
    )

    found = read(AseLmdbParser(), path.read_bytes())

    first, second, *_ = found
    assert first == AdsorptionEnergy(
        "entry 0", "random77", 3, "OH", pytest.approx(-135.66393572 + 134.0, abs=1e-9), -134.0
    )
    assert isinstance(second, AdsorptionEnergy)
    assert (second.system_id, second.frame) == ("random78", RELAXED)
    assert second.energy_ev == pytest.approx(-0.66393572, abs=1e-9)
    why = reasons(found)
    assert len(why) == len(found) - 2 == 9
    for place, reason in {
        "entry 2": "reference_energy: is missing",
        "entry 3": "no atom has the tag 2",
        "entry 4": "already given",
        "entry 5": "incorrect header",
        "entry 6": "",
        "entry 7": "more than",
        "entry 8": "energy: is missing",
        "entry 9": "cannot name a system",
        "entry 10": "no number",
    }.items():
        assert reason in why[place]


@pytest.mark.parametrize("data", [b"", b"\0" * 10_000, b"no database at all" * 1000])
def test_what_is_no_database_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError, match=r"file\.tar"):
        AseLmdbParser().survey(raw_file("oc20_ase_lmdb", data), io.BytesIO(data))


def test_a_damaged_database_kills_its_reader_and_not_us(tmp_path: Path) -> None:
    rows = {str(n): ase_row(key_value_pairs={"sid": n, "reference_energy": -135.0}) for n in range(1, 40)}
    whole = ase_lmdb(tmp_path / "x.aselmdb", rows).read_bytes()
    assert len(read(AseLmdbParser(), whole)) == 39
    cut = whole[: len(whole) // 2 // 4096 * 4096]

    with pytest.raises(SourceError):
        AseLmdbParser().survey(raw_file("oc20_ase_lmdb", cut), io.BytesIO(cut))


@given(changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=20))
@settings(max_examples=12)
def test_a_database_with_any_bytes_changed_is_read_or_refused(
    changes: list[tuple[float, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lmdb")
    data = bytearray(ase_lmdb(folder / "x.aselmdb", {"1": ase_row(), "2": ase_row()}).read_bytes())
    for place, byte in changes:
        data[int(place * len(data))] = byte
    try:
        found = read(AseLmdbParser(), bytes(data))
    except CatalystError:
        return
    for outcome in found:
        holds(outcome)


# Pickled graphs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("older", [False, True])
def test_a_pickled_graph_gives_its_target_without_torch_geometric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older: bool
) -> None:
    values = {
        b"0": graph(monkeypatch, older=older, **fields()),
        b"1": graph(monkeypatch, older=older, **fields(sid=2, y_relaxed=np.float64(0.5))),
        b"2": graph(monkeypatch, older=older, **fields(sid=3, y_relaxed=1e10)),
        b"3": pickle.dumps(Hostile(tmp_path / "owned")),
        b"4": graph(monkeypatch, older=older, **fields(sid=4, tags=Hostile(tmp_path / "owned"))),
        b"5": graph(monkeypatch, older=older, **fields(sid=5, y_relaxed=None)),
        b"length": pickle.dumps(6),
    }
    path = write_lmdb(tmp_path / "x.lmdb", values)

    found = read(PickledLmdbParser(), path.read_bytes())

    assert energies(found) == {"random1285791": -1.2259964000000991, "random2": 0.5, "random3": 1e10}
    first, _, invalid, *_ = found
    assert isinstance(first, AdsorptionEnergy)
    assert (first.adsorbate, first.frame, first.reference_energy_ev) == ("OH", RELAXED, None)
    assert isinstance(invalid, AdsorptionEnergy)
    assert "stands for no value" in check_energy(invalid)[0].reason
    why = reasons(found)
    assert "system, which is not read" in why["entry 3"]
    assert "system, which is not read" in why["entry 4"]
    assert "y_relaxed" in why["entry 5"]
    assert not (tmp_path / "owned").exists()


def test_tensors_and_arrays_are_rebuilt_number_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    whole = torch.arange(12, dtype=torch.float64).reshape(3, 4)
    held = load_graph(
        graph(
            monkeypatch,
            part=whole.t()[1:3],
            flags=torch.tensor([True, False]),
            bytes=torch.tensor([1, 255], dtype=torch.uint8),
            array=np.arange(6, dtype=">i4").reshape(2, 3),
            number=np.float32(1.5),
            empty=torch.zeros(0),
        )
    )

    assert held["part"] == whole.t()[1:3].reshape(-1).tolist()
    assert plain(held["flags"]) == [True, False]
    assert plain(held["bytes"]) == [1, 255]
    assert plain(held["array"]) == list(range(6))
    assert plain(held["number"]) == 1.5
    assert plain(held["empty"]) == []


# Pickled mappings ----------------------------------------------------------------------------------------------------


def test_a_pickled_mapping_is_read_like_the_one_in_json() -> None:
    held = {
        "random1": mapping_entry(shift=np.float64(0.25), miller_index=(1, 1, 1), top=np.bool_(True)),
        "random2": OrderedDict(mapping_entry(anomaly=9)),
        7: mapping_entry(),
    }

    found = read(PickledMappingParser(), pickle.dumps(held, protocol=4))

    first, second, third = found
    assert not isinstance(first, Rejection)
    assert (first.system_id, first.shift, first.top) == ("random1", 0.25, True)  # type: ignore[union-attr]
    assert isinstance(second, Rejection)
    assert second.problems[0].field == "anomaly"
    assert isinstance(third, Rejection)


def test_a_hostile_mapping_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    for held in ({"random1": Hostile(tmp_path / "owned")}, Hostile(tmp_path / "owned")):
        data = pickle.dumps(held)
        with pytest.raises(SourceError, match="system, which is not read"):
            PickledMappingParser().survey(raw_file("oc20_pickled_mapping", data), io.BytesIO(data))
    assert not (tmp_path / "owned").exists()


def test_a_refusal_says_nothing_that_a_database_cannot_take() -> None:
    data = b"\x80\x04\x8c\x03\x00os\x8c\x06system\x93."

    with pytest.raises(SourceError) as caught:
        list(read_untrusted("x", io.BytesIO(data), "pickled-mapping"))

    assert caught.value.message.isprintable()


def test_a_mapping_that_unfolds_without_end_is_set_aside() -> None:
    nested: list[Any] = ["x"]
    for _ in range(18):
        nested = [nested] * 10
    (found,) = read(PickledMappingParser(), pickle.dumps({"random1": nested}))

    assert isinstance(found, Rejection)
    assert "more than 10000 values" in found.reason


@pytest.mark.parametrize(
    "program",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04\x8c\x05numpy\x8c\x0bf2py.run_me\x93.",
        b"\x80\x04\x8c\x0bcollections\x8c\x15OrderedDict.__class__\x93.",
        b"csubprocess\nPopen\n(S'true'\ntR.",
        b"\x82\x01.",
        b"Pname\n.",
        b"(lp0\ng0\n.",
        b"",
    ],
)
def test_no_name_but_the_known_ones_is_looked_up(program: bytes) -> None:
    for load in (lambda: load_dictionary(io.BytesIO(program)), lambda: load_graph(program)):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            load()
        assert isinstance(
            caught.value, RefusedError | pickle.UnpicklingError | ValueError | EOFError | KeyError
        )


def test_a_pickle_that_takes_all_memory_is_refused() -> None:
    # 8 GB in one string, which the pickle claims to hold.
    data = b"\x80\x04\x8e" + (8 * 1024**3).to_bytes(8, "little") + b"x."

    with pytest.raises(SourceError, match="refused"):
        list(read_untrusted("x", io.BytesIO(data), "pickled-mapping"))


def test_a_reader_is_left_when_nobody_reads_on() -> None:
    data = pickle.dumps({f"random{n}": mapping_entry() for n in range(5000)})

    entries = read_untrusted("x", io.BytesIO(data), "pickled-mapping")
    assert next(entries)["key"] == "random0"
    entries.close()  # type: ignore[attr-defined]

    assert [e["row"] for e in read_untrusted("x", io.BytesIO(data), "pickled-mapping", 4998)] == [4998, 4999]


@pytest.mark.parametrize("form", ["pickled-lmdb", "pickled-mapping"])
def test_garbage_is_refused_whatever_it_claims_to_be(form: Form) -> None:
    with pytest.raises(SourceError):
        list(read_untrusted("x", io.BytesIO(b"garbage" * 2000), form))
