"""OC20's databases in LMDB: ASE rows as compressed JSON, and the older ones of pickled graphs.

A graph's target is an adsorption energy already; a row has a raw energy and says its reference beside it. Either is
read by a process of its own.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from catalyst_assets.ingestion.adsorption.records import (
    RELAXED,
    AdsorptionEnergy,
    AdsorptionParser,
    Outcome,
    adsorbate_formula,
    name_of,
    system_name,
)
from catalyst_assets.ingestion.oc20.frames import ADSORBATE_TAG
from catalyst_assets.ingestion.pages import is_number
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.records import Problem
from catalyst_assets.ingestion.untrusted.process import Form, read_untrusted


class _LmdbParser(AdsorptionParser):
    """Reads one kind of LMDB.

    Attributes
    ----------
    numbers
        The field of an entry that holds its atomic numbers.
    """

    form: Form
    numbers: str

    @abstractmethod
    def measure(self, entry: Mapping[str, Any]) -> tuple[float, float | None] | Problem:
        """Return the energy of one entry less its reference and that reference in eV, or what is wrong."""

    @abstractmethod
    def identify(self, entry: Mapping[str, Any]) -> tuple[str, int]:
        """Return system and frame of an entry; no system when it does not say."""

    def list_rows(self, raw: RawFile, file: BinaryIO) -> Iterator[tuple[str, str]]:
        """Yield place and state of each entry.

        Raises
        ------
        SourceError
            The file is no such database.
        """
        for entry in read_untrusted(raw.url, file, self.form):
            yield _place(entry), self._name(entry)

    def read_rows(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Outcome]:
        """Yield the state of each entry in ``[start, stop)``, or why there is none."""
        for entry in read_untrusted(raw.url, file, self.form, start, stop):
            outcome: AdsorptionEnergy | Problem
            name = self._name(entry)
            if "problem" in entry:
                outcome = Problem("entry", str(entry["problem"]))
            elif not name:
                outcome = Problem("sid", "is missing, or cannot name a system")
            elif entry["row"] in duplicates:
                outcome = Problem("sid", f"{name} was already given by an earlier entry")
            else:
                outcome = self._read(entry)
            yield _place(entry), name, outcome

    def _read(self, entry: Mapping[str, Any]) -> AdsorptionEnergy | Problem:
        measured = self.measure(entry)
        if isinstance(measured, Problem):
            return measured
        adsorbate = _adsorbate(entry.get(self.numbers), entry.get("tags"))
        if not adsorbate:
            return Problem("tags", f"no atom has the tag {ADSORBATE_TAG} of an adsorbate")
        return AdsorptionEnergy(_place(entry), *self.identify(entry), adsorbate, *measured)

    def _name(self, entry: Mapping[str, Any]) -> str:
        system, frame = ("", RELAXED) if "problem" in entry else self.identify(entry)
        return name_of(system, frame) if system else ""


class AseLmdbParser(_LmdbParser):
    """Reads `.aselmdb`: a row says ``sid``, ``reference_energy`` and, if it is not relaxed, ``fid``."""

    kind: Final = "oc20_ase_lmdb"
    form: Form = "ase-lmdb"
    numbers = "numbers"

    def identify(self, entry: Mapping[str, Any]) -> tuple[str, int]:
        """Return the system of a row, and its frame."""
        said = _said(entry)
        frame = said.get("fid", said.get("frame", RELAXED))
        is_frame = isinstance(frame, int) and not isinstance(frame, bool) and 0 <= frame < 10**6
        system = _system(said.get("sid", said.get("system_id"))) if is_frame or frame == RELAXED else ""
        return system, frame if is_frame else RELAXED

    def measure(self, entry: Mapping[str, Any]) -> tuple[float, float | None] | Problem:
        """Return a row's energy less its reference, and that reference."""
        said = _said(entry)
        energy = _number(entry.get("energy"))
        reference = _number(said.get("reference_energy", said.get("ref_energy")))
        if energy is None or reference is None:
            missing = "energy" if energy is None else "reference_energy"
            return Problem(missing, "is missing, or no number")
        return energy - reference, reference


class PickledLmdbParser(_LmdbParser):
    """Reads the older `.lmdb`: ``y_relaxed`` of a graph is the adsorption energy of its relaxed state."""

    kind: Final = "oc20_pickled_lmdb"
    form: Form = "pickled-lmdb"
    numbers = "atomic_numbers"

    def identify(self, entry: Mapping[str, Any]) -> tuple[str, int]:
        """Return the system of a graph."""
        return _system(_first(entry.get("sid"))), RELAXED

    def measure(self, entry: Mapping[str, Any]) -> tuple[float, float | None] | Problem:
        """Return a graph's target."""
        energy = _number(_first(entry.get("y_relaxed")))
        return Problem("y_relaxed", "is missing, or no number") if energy is None else (energy, None)


def _place(entry: Mapping[str, Any]) -> str:
    # The row too: a database may hold one key's text in two forms.
    return f"entry {entry['row']}"


def _said(entry: Mapping[str, Any]) -> dict[str, Any]:
    held = (entry.get("data"), entry.get("key_value_pairs"))
    return {name: value for part in held if isinstance(part, dict) for name, value in part.items()}


def _system(value: Any) -> str:
    """Return the name of a system; a bare number is OC20's ``random<number>``."""
    if is_number(value) and 0 <= value < 10**12 and value % 1 == 0:
        return f"random{int(value)}"
    return system_name(value)


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _adsorbate(numbers: object, tags: object) -> str:
    from ase.data import chemical_symbols as symbols

    if not isinstance(numbers, list) or not isinstance(tags, list) or len(numbers) != len(tags):
        return ""
    tagged = [number for number, tag in zip(numbers, tags, strict=True) if tag == ADSORBATE_TAG]
    if any(not isinstance(number, int | float) or not 0 < number < len(symbols) for number in tagged):
        return ""
    return adsorbate_formula([symbols[int(number)] for number in tagged])
