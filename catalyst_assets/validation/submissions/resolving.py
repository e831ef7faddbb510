"""Which candidate, iteration and material each entry speaks of; whether what it says of them agrees.

A row names its candidate, its material, or a formula with or without a crystal. What a row leaves open is found in an
order that does not depend on how far a candidate has come, so that the same file means the same a month later.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.ingestion.derived.identity import KnownRecord
from catalyst_assets.ingestion.laboratory.crystals import name_crystal
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.validation.submissions.reading.entries import Entry
from catalyst_assets.validation.submissions.reading.formulas import read_formula
from catalyst_assets.validation.submissions.reading.problems import Problems
from catalyst_assets.validation.submissions.reading.quantities import UnreadableCellError
from catalyst_assets.validation.submissions.reading.structures import Beside, GivenCrystal, read_structure
from catalyst_assets.vocabulary.words import close_to
from resources.postgres.database import Row, fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa

# Whose results files hold.
LABORATORY: Final = "laboratory"
_LISTED: Final = 5


@dataclass(frozen=True)
class Target:
    """What a result is of.

    Attributes
    ----------
    partition_key
        The iteration it answers; None where nobody's iteration asked.
    candidate_id, campaign
        Likewise.
    new_crystal
        Of a material that is not known yet.
    """

    material_id: str
    partition_key: str | None = None
    candidate_id: int | None = None
    campaign: str = ""
    new_crystal: GivenCrystal | None = field(default=None, compare=False)


@dataclass
class Resolver:
    """Finds the targets of entries, part by part; what it has looked up it remembers.

    Parameters
    ----------
    beside
        Finds the files of structures that rows name.
    """

    connection: "sa.Connection"
    problems: Problems
    beside: Beside
    _candidates: dict[int, Row | None] = field(default_factory=dict)
    _materials: dict[str, Row | None] = field(default_factory=dict)
    _formulas: dict[str, list[str]] = field(default_factory=dict)
    _sent: dict[str, list[Row]] = field(default_factory=dict)
    _crystals: dict[str, tuple[str, GivenCrystal | None] | UnreadableCellError] = field(default_factory=dict)

    def resolve(self, entries: Sequence[Entry]) -> list[Target | None]:
        """Return what each entry is of; None, with a problem, where that cannot be told."""
        self._look_up(entries)
        found = [self._find(entry) for entry in entries]
        unnamed = [
            (place, target) for place, target in enumerate(found) if target and target.candidate_id is None
        ]
        self._fill(self._sent, {target.material_id for _, target in unnamed}, self._fetch_sent)
        for place, target in unnamed:
            found[place] = self._attached(entries[place], target)
        return self._as_held(entries, found, [place for place, _ in unnamed])

    def formulas_of(self, material_ids: Iterable[str]) -> dict[str, str]:
        """Return the formulas of materials, by their names."""
        return {name: self._formula_of(name) for name in material_ids}

    def iterations_of(self, material_ids: Iterable[str]) -> set[str]:
        """Return the iterations in which some materials were sent to validation."""
        asked = set(material_ids)
        self._fill(self._sent, asked, self._fetch_sent)
        return {row["partition_key"] for name in asked for row in self._sent[name]}

    @cached_property
    def campaigns(self) -> Mapping[str, Row]:
        """The campaigns there are, by their names."""
        return {row["name"]: row for row in fetch_all(self.connection, "validation/submissions/campaigns")}

    def method_of(self, target: Target) -> str:
        """Return the method that the campaign of a target learns from; empty where it is of none."""
        row = self.campaigns.get(target.campaign)
        return str(row["method"]) if row else ""

    def _look_up(self, entries: Sequence[Entry]) -> None:
        self._fill(self._candidates, {e.candidate for e in entries if e.candidate}, self._fetch_candidates)
        self._fill(self._materials, {e.material_id for e in entries if e.material_id}, self._fetch_materials)
        self._fill(
            self._formulas, {read_formula(e.formula) for e in entries if e.formula}, self._fetch_formulas
        )

    def _find(self, entry: Entry) -> Target | None:
        if entry.campaign and entry.campaign not in self.campaigns:
            self._bad(
                entry, "campaign", entry.campaign, f"is no campaign{_clause(close_to(entry.campaign, self.campaigns))}",
                "`catalyst campaign list` names them.",
            )  # fmt: skip
            return None
        if entry.candidate:
            return self._of_candidate(entry, entry.candidate)
        if entry.material_id:
            return self._of_material(entry)
        if entry.structure:
            return self._of_structure(entry)
        return self._of_formula(entry)

    def _of_candidate(self, entry: Entry, number: int) -> Target | None:
        row = self._candidates.get(number)
        if row is None:
            self._bad(
                entry, "candidate", number, "is the number of no candidate",
                "Take it from the work order; without one give material_id or formula.",
            )  # fmt: skip
            return None
        if entry.campaign and entry.campaign != row["campaign"]:
            self._bad(
                entry, "candidate", number,
                f"is a candidate of campaign {row['campaign']}, not of {entry.campaign}",
                "Correct the number or the campaign.",
            )  # fmt: skip
            return None
        if not self._agrees(entry, row, f"candidate {number}"):
            return None
        return Target(row["material_id"], row["partition_key"], number, row["campaign"])

    def _of_material(self, entry: Entry) -> Target | None:
        row = self._materials.get(entry.material_id)
        if row is None:
            self._bad(
                entry, "material_id", entry.material_id, "is no material that is known here",
                "Correct it; a formula goes into the column formula, a new material is given with its structure.",
            )  # fmt: skip
            return None
        return Target(row["stands_for"]) if self._agrees(entry, row, entry.material_id) else None

    def _agrees(self, entry: Entry, row: Row, called: str) -> bool:
        """Tell whether what else an entry says of its material is true of it."""
        if entry.formula and read_formula(entry.formula) != read_formula(row["reduced_formula"]):
            self._bad(
                entry, "formula", entry.formula, f"is not the formula of {called}, which is {row['reduced_formula']}",
                "Is it somebody else's row? Correct one of them.",
            )  # fmt: skip
            return False
        named = self._materials.get(entry.material_id) if entry.material_id else None
        if entry.material_id and (named is None or named["stands_for"] != row["stands_for"]):
            self._bad(
                entry, "material_id", entry.material_id, f"is not the material of {called}, which is {row['material_id']}",
                "Is it somebody else's row? Correct one of them.",
            )  # fmt: skip
            return False
        if entry.structure:
            return self._has_structure(entry, row, called)
        return True

    def _has_structure(self, entry: Entry, row: Row, called: str) -> bool:
        found = self._crystal(entry)
        if found is None:
            return False
        if found[0] != row["stands_for"]:
            self._bad(
                entry, "structure", "", f"the structure is not that of {called}, but of {found[0]}",
                "A sample of another phase is another material: leave candidate and material_id empty.",
            )  # fmt: skip
            return False
        return True

    def _of_structure(self, entry: Entry) -> Target | None:
        found = self._crystal(entry)
        return None if found is None else Target(found[0], new_crystal=found[1])

    def _of_formula(self, entry: Entry) -> Target | None:
        known = self._formulas.get(read_formula(entry.formula), [])
        if len(known) == 1:
            return Target(known[0])
        if not known:
            self._bad(
                entry, "formula", entry.formula, "is the formula of no material that is known here",
                "Give its crystal in the column structure (CIF or POSCAR): it is then ingested with the results.",
            )  # fmt: skip
            return None
        self._fill(self._sent, set(known), self._fetch_sent)
        asked = [
            name for name in known if any(entry.campaign in ("", row["campaign"]) for row in self._sent[name])
        ]
        if len(asked) == 1:
            return Target(asked[0])
        listed = ", ".join(known[:_LISTED]) + (
            f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
        )
        self._bad(
            entry, "formula", entry.formula, f"is the formula of {len(known)} materials: {listed}",
            "Give candidate or material_id, or the crystal in the column structure.",
        )  # fmt: skip
        return None

    def _attached(self, entry: Entry, target: Target) -> Target:
        """Return a target with the iteration in which its material was sent to validation, if that is one campaign's."""
        sent = [
            row for row in self._sent.get(target.material_id, []) if entry.campaign in ("", row["campaign"])
        ]
        if sent and len({row["campaign"] for row in sent}) == 1:
            newest = sent[0]
            return Target(
                target.material_id,
                newest["partition_key"],
                newest["candidate_id"],
                newest["campaign"],
                target.new_crystal,
            )
        return Target(target.material_id, campaign=entry.campaign, new_crystal=target.new_crystal)

    def _as_held(
        self, entries: Sequence[Entry], found: list[Target | None], places: Iterable[int]
    ) -> list[Target | None]:
        """Leave what is in the ledger already under the iteration where it stands."""
        asked = [
            {"place": place, "material_id": target.material_id, "property": entry.property, "method": entry.method,
             "sample": entry.sample, "batch": entry.batch, "replicate": entry.replicate}
            for place in places
            if (target := found[place]) is not None and target.new_crystal is None
            for entry in (entries[place],)
        ]  # fmt: skip
        if not asked:
            return found
        rows = fetch_all(
            self.connection,
            "validation/submissions/held_iterations",
            rows=json.dumps(asked),
            validator=LABORATORY,
        )
        for row in rows:
            target = found[row["place"]]
            if target is not None:
                key = None if row["is_nobodys"] else row["partition_key"]
                if key != target.partition_key:
                    found[row["place"]] = Target(target.material_id, key, None, target.campaign)
        return found

    def _crystal(self, entry: Entry) -> tuple[str, GivenCrystal | None] | None:
        """Return the material that a given crystal is, and the crystal where nobody knows it yet."""
        key = (
            entry.structure if isinstance(entry.structure, str) else json.dumps(entry.structure, default=str)
        )
        if key not in self._crystals:
            try:
                self._crystals[key] = self._identify(read_structure(entry.structure, self.beside))
            except UnreadableCellError as error:
                self._crystals[key] = error
        found = self._crystals[key]
        if isinstance(found, UnreadableCellError):
            self._bad(entry, "structure", shown(key.splitlines()[0]), found.reason, found.remedy)
            return None
        material_id, new = found
        formula = new.crystal.reduced_formula if new else self._formula_of(material_id)
        if entry.formula and read_formula(entry.formula) != formula:
            self._bad(
                entry, "formula", entry.formula, f"is not the formula of the structure, which is {formula}",
                "Correct one of them.",
            )  # fmt: skip
            return None
        return found

    def _identify(self, given: GivenCrystal) -> tuple[str, GivenCrystal | None]:
        crystal = given.crystal
        rows = fetch_all(
            self.connection,
            "validation/submissions/structures_of_formulas",
            formulas=[crystal.reduced_formula],
        )
        for row in rows:
            if row["structure_hash"] == crystal.structure_hash:
                return row["stands_for"], None
        mine = KnownRecord("", crystal.structure_json, crystal.structure_hash, {})
        same = [
            row
            for row in rows
            if mine.is_same_crystal(
                KnownRecord(row["material_id"], row["structure_json"], row["structure_hash"], {})
            )
        ]
        if same:
            self._fill(self._sent, {row["material_id"] for row in same}, self._fetch_sent)
            # What a campaign asked for, before another source's record of the same crystal.
            asked = [row for row in same if self._sent[row["material_id"]]]
            return (asked or same)[0]["stands_for"], None
        return name_crystal(crystal.structure_hash), given

    def _formula_of(self, material_id: str) -> str:
        self._fill(self._materials, {material_id}, self._fetch_materials)
        row = self._materials[material_id]
        return str(row["reduced_formula"]) if row else ""

    def _bad(self, entry: Entry, column: str, found: object, reason: str, remedy: str) -> None:
        self.problems.add(entry.place, column, found, reason, remedy)

    def _fill(
        self, known: dict[Any, Any], asked: set[Any], fetch: Callable[[list[Any]], dict[Any, Any]]
    ) -> None:
        missing = sorted(asked - known.keys())
        if missing:
            known.update(fetch(missing))

    def _fetch_candidates(self, numbers: list[int]) -> dict[int, Row | None]:
        rows = fetch_all(self.connection, "validation/submissions/candidates", candidate_ids=numbers)
        return dict.fromkeys(numbers) | {row["candidate_id"]: row for row in rows}

    def _fetch_materials(self, names: list[str]) -> dict[str, Row | None]:
        rows = fetch_all(self.connection, "validation/submissions/materials", material_ids=names)
        return dict.fromkeys(names) | {row["material_id"]: row for row in rows}

    def _fetch_formulas(self, formulas: list[str]) -> dict[str, list[str]]:
        return self._grouped(formulas, "materials_of_formulas", "formulas", "reduced_formula", "material_id")

    def _grouped(
        self, asked: list[str], query: str, parameter: str, key: str, value: str
    ) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {name: [] for name in asked}
        for row in fetch_all(self.connection, f"validation/submissions/{query}", **{parameter: asked}):
            found[row[key]].append(row[value])
        return found

    def _fetch_sent(self, names: list[str]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list, {name: [] for name in names})
        for row in fetch_all(self.connection, "validation/submissions/sent_candidates", material_ids=names):
            found[row["material_id"]].append(row)
        return dict(found)


def _clause(question: str) -> str:
    return question.removesuffix("?")
