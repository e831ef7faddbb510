"""Tables of OC20's relaxed adsorption energies: CSV with ``id,target,ads,bulk_symbols,miller``, targets in eV."""

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

from catalyst_assets.errors import InvalidPoolError
from catalyst_assets.ingestion.adsorption.records import (
    RELAXED,
    AdsorptionEnergy,
    AdsorptionParser,
    Outcome,
    system_name,
)
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.tables import Row, parse_number, read_rows, shown
from catalyst_assets.ingestion.records import Problem

_COLUMNS: Final = ("id", "target", "ads", "bulk_symbols", "miller")
_MOST_BYTES: Final = 512 * 1024**2


class EnergyTableParser(AdsorptionParser):
    """Reads tables of relaxed energies."""

    kind: Final = "oc20_energy_table"

    def list_rows(self, raw: RawFile, file: BinaryIO) -> Iterator[tuple[str, str]]:
        """Yield place and system of each row.

        Raises
        ------
        InvalidPoolError
            The file is no such table.
        """
        return ((_place(row), _name(row)) for row in _read(raw, file))

    def read_rows(
        self, raw: RawFile, file: BinaryIO, start: int, stop: int, duplicates: Mapping[int, int]
    ) -> Iterator[Outcome]:
        """Yield the energy of each row in ``[start, stop)``, or what is wrong with it."""
        for index, row in enumerate(_read(raw, file)[start:stop], start):
            outcome = _read_energy(row)
            if isinstance(outcome, AdsorptionEnergy) and index in duplicates:
                outcome = Problem("id", f"{outcome.system_id} was already given by an earlier row")
            yield _place(row), _name(row), outcome


def _read(raw: RawFile, file: BinaryIO) -> list[Row]:
    data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise InvalidPoolError(f"{raw.url} has more than {_MOST_BYTES} bytes.", "Cut it into parts.")
    return list(read_rows(raw.url, data, _COLUMNS))


def _read_energy(row: Row) -> AdsorptionEnergy | Problem:
    if row.problem:
        return Problem("row", row.problem)
    try:
        energy = parse_number(row.cells["target"])
    except ValueError as error:
        return Problem("target", str(error))
    miller = str(row.cells["miller"] or "").split()
    if energy is None:
        return Problem("target", "is empty")
    if not all(index.lstrip("-").isdecimal() and len(index) < 4 for index in miller):
        return Problem("miller", f"{shown(row.cells['miller'])} is no facet")
    return AdsorptionEnergy(
        place=_place(row),
        system_id=str(row.cells["id"] or "").strip(),
        frame=RELAXED,
        adsorbate=str(row.cells["ads"] or "").strip().removeprefix("*"),
        energy_ev=energy,
        bulk_formula=str(row.cells["bulk_symbols"] or "").strip() or None,
        miller_index=tuple(map(int, miller)) or None,
    )


def _name(row: Row) -> str:
    return system_name(str(row.cells.get("id") or "").strip())


def _place(row: Row) -> str:
    return f"row {row.number}"
