"""Results late, twice, wrong, corrected, retracted, by hand and through crashes: the ledger and its labels stay right."""

import contextlib
import itertools
from typing import Any, Final

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import ResultConflictError
from catalyst_assets.loop.campaigns import open_iteration
from catalyst_assets.partitions import IterationKey
from catalyst_assets.validation import answering
from catalyst_assets.validation.results.examining import examine
from catalyst_assets.validation.results.ledger import record_results, retract
from catalyst_assets.validation.results.model import Result
from catalyst_assets.vocabulary.known import known_properties, unit_of
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import PROPERTIES, ReviewedCampaign
from catalyst_assets_tests.integration.validation.reference_ledger import Entry, ReferenceLedger
from catalyst_assets_tests.results import SUBMISSION
from resources.postgres.database import Database, Role, fetch_all

DOCUMENT: Final = load_campaign("oxide-perovskites-demo").document | {
    "validator": "laboratory",
    "test_fraction": 0.0,
}
LEGAL: Final = {
    ("ranked", "flagged"), ("flagged", "in_validation"), ("in_validation", "validated"), ("in_validation", "rejected"),
    ("in_validation", "flagged"), ("validated", "rejected"), ("rejected", "validated"), ("rejected", "rejected"),
    ("validated", "in_validation"), ("rejected", "in_validation"),
}  # fmt: skip
numbers = itertools.count()
materials = st.integers(0, 3)
# The gap is a hit between 1 and 2.3 eV; -1 is no gap at all; None is a failure.
values = st.sampled_from([1.5, 1.75, 2.0, 4.5, -1.0, None])


class KilledError(Exception):
    """The process is gone."""


class Interleavings(RuleBasedStateMachine):
    """Two iterations, two candidates each; whoever writes, the reference says what should be."""

    database: Database
    submissions = Bundle("submissions")

    @initialize()
    def begin(self) -> None:
        number = next(numbers)
        self.name = f"interleaved-{number}"
        self.reviewed = ReviewedCampaign(self.database, self.name, DOCUMENT | {"name": self.name}).start()
        self.campaign = Campaign.model_validate(self.reviewed.document)
        self.materials = [f"p:{number}-{place}" for place in range(4)]
        for iteration in (0, 1):
            for candidate in self.reviewed.rank(iteration, self.materials[2 * iteration : 2 * iteration + 2]):
                self.reviewed.move(candidate, "flagged")
        self.keys = [self.reviewed.key(0), self.reviewed.key(1)]
        properties = known_properties()
        self.reference = ReferenceLedger(
            {name: (properties[name].low, properties[name].high) for name in PROPERTIES}
        )
        self.numbers: list[int] = []
        self.opened = 1

    # What is submitted -----------------------------------------------------------------------------

    @rule(target=submissions, material=materials, is_asked=st.booleans(), place=st.integers(0, 1),
          replicate=st.integers(1, 2), value=values, corrects=st.sampled_from(["", "", "typo", "wrong sample"]))  # fmt: skip
    def write(
        self, material: int, is_asked: bool, place: int, replicate: int, value: float | None, corrects: str
    ) -> Result:
        """Somebody has a result; when it is submitted, and how often, is another matter."""
        name = PROPERTIES[place]
        if name == "formation_energy_per_atom" and value is not None:
            value = -2.5
        key = self.keys[material // 2] if is_asked else None
        return Result(
            self.materials[material], "PBE", "laboratory", name, "failed" if value is None else "measured", value,
            unit_of(name), partition_key=key, replicate=replicate, corrects=corrects,
        )  # fmt: skip

    @rule(result=submissions)
    def submit(self, result: Result) -> None:
        """Once or again, sooner or later than others."""
        expected = self.reference.submit(entry_of(result), result.corrects)
        with self.database.transaction(Role.VALIDATOR) as connection:
            try:
                recorded = record_results(connection, [result], SUBMISSION)
            except ResultConflictError:
                assert expected == "refused"
                return
        assert expected == ("added" if recorded.added else "corrected" if recorded.corrected else "unchanged")
        self.numbers += [*recorded.added, *recorded.corrected]

    @rule(result=submissions)
    def submit_and_be_killed(self, result: Result) -> None:
        with contextlib.suppress(KilledError, ResultConflictError):
            self._submit_and_die(result)

    @rule(result=submissions)
    def insert_by_hand(self, result: Result) -> None:
        """By psql, as the validator's role; what is there already is refused."""
        entry = entry_of(result)
        if self.reference.chain(entry.identity):
            with pytest.raises(sa.exc.IntegrityError):
                self._insert(result)
            return
        self.numbers.append(self._insert(result))
        self.reference.rows.append(entry)

    @rule(place=st.integers(0, 30), reason=st.sampled_from(["broken furnace", "typo"]))
    def retract(self, place: int, reason: str) -> None:
        if not self.reference.rows:
            return
        place %= len(self.reference.rows)
        superseded = any(row.supersedes == place for row in self.reference.rows)
        if superseded or self.reference.rows[place].outcome == "retracted":
            return
        with self.database.transaction(Role.VALIDATOR) as connection:
            assert retract(connection, self.numbers[place], by="ada", reason=reason)
            assert not retract(connection, self.numbers[place], by="ada", reason=reason)
            newest = connection.execute(sa.text("SELECT max(result_id) FROM validation_results")).scalar_one()
        self.reference.retract(place, reason)
        self.numbers.append(newest)

    # What follows ----------------------------------------------------------------------------------

    @rule(iteration=st.integers(0, 1))
    def validate(self, iteration: int) -> None:
        answering.validate_iteration(self.database, self.keys[iteration], None)
        self.reference.examine([self.keys[iteration], None])
        self._candidates_follow(iteration)
        again = answering.validate_iteration(self.database, self.keys[iteration], None)
        assert again.settled == answering.Settled()

    @rule(iteration=st.integers(0, 1))
    def validate_and_be_killed(self, iteration: int) -> None:
        """Before it commits; nothing of it is left."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(answering, "settle", self._die)
            with pytest.raises(KilledError):
                answering.validate_iteration(self.database, self.keys[iteration], None)

    @rule()
    def restart(self) -> None:
        self.database.dispose()

    @rule()
    def open_the_next_iteration(self) -> None:
        self.opened += 1
        key = IterationKey(self.name, self.opened)
        with self.database.transaction() as connection:
            open_iteration(connection, self.campaign, key)
            rows = fetch_all(connection, "loop/iteration_labels", partition_key=str(key))
        labels = {
            (row["material_id"], row["property"]): row["value"]
            for row in rows
            if row["material_id"] in self.materials
        }
        truths = self.reference.truths()
        withheld = {name for name, (_, kind) in self._standing().items() if kind == "infeasible"}
        assert labels == pytest.approx(
            {key: value for key, value in truths.items() if key[0] not in withheld}
        )

    # What always holds -----------------------------------------------------------------------------

    @invariant()
    def every_result_is_there_once(self) -> None:
        with self.database.transaction(Role.VALIDATOR) as connection:
            rows = connection.execute(
                sa.text(
                    "SELECT result_id, supersedes, value FROM validation_results WHERE material_id = ANY (:names) ORDER BY 1"
                ),
                {"names": self.materials},
            ).all()
        place = {number: at for at, number in enumerate(self.numbers)}
        assert [(place[number], place.get(before), value) for number, before, value in rows] == [
            (at, row.supersedes, row.value) for at, row in enumerate(self.reference.rows)
        ]

    @invariant()
    def no_step_is_illegal(self) -> None:
        with self.database.transaction() as connection:
            events = connection.execute(
                sa.text(
                    "SELECT e.candidate_id, CAST(from_status AS text), CAST(to_status AS text) FROM candidate_events e"
                    " JOIN candidates c USING (candidate_id) WHERE c.partition_key = ANY (:keys) ORDER BY event_id"
                ),
                {"keys": self.keys},
            ).all()
        at: dict[int, str | None] = {}
        for candidate, before, after in events:
            assert at.get(candidate) == before
            assert before is None or (before, after) in LEGAL
            at[candidate] = after

    def _candidates_follow(self, iteration: int) -> None:
        truths = self.reference.truths()
        for material, (status, kind) in self._standing().items():
            if material not in self.materials[2 * iteration : 2 * iteration + 2]:
                continue
            known = {name: truths[material, name] for name in PROPERTIES if (material, name) in truths}
            if len(known) == len(PROPERTIES):
                good = 1.0 <= known["band_gap_direct"] <= 2.3
                assert (status, kind) == (("validated", None) if good else ("rejected", "poor"))
            else:
                assert status in {"flagged", "in_validation"} or kind == "infeasible"

    def _standing(self) -> dict[str, tuple[str, str | None]]:
        with self.database.transaction() as connection:
            rows = connection.execute(
                sa.text(
                    "SELECT material_id, CAST(status AS text), CAST(rejection_kind AS text) FROM candidates"
                    " WHERE partition_key = ANY (:keys)"
                ),
                {"keys": self.keys},
            )
            return {material: (status, kind) for material, status, kind in rows}

    def _submit_and_die(self, result: Result) -> None:
        with self.database.transaction(Role.VALIDATOR) as connection:
            record_results(connection, [result], SUBMISSION)
            examine(connection, result.partition_key)
            raise KilledError

    def _insert(self, result: Result) -> int:
        with self.database.transaction(Role.VALIDATOR) as connection:
            number: int = connection.execute(
                sa.text(
                    "INSERT INTO validation_results (partition_key, material_id, property, method, outcome, value, unit,"
                    " validator, replicate) VALUES (:key, :material, :name, 'PBE', :outcome, :value, :unit, 'laboratory',"
                    " :replicate) RETURNING result_id"
                ),
                {
                    "key": result.partition_key, "material": result.material_id, "name": result.property,
                    "outcome": result.outcome, "value": result.value, "unit": result.unit, "replicate": result.replicate,
                },
            ).scalar_one()  # fmt: skip
            return number

    @staticmethod
    def _die(*_: Any) -> None:
        raise KilledError


def entry_of(result: Result) -> Entry:
    assert result.property is not None
    return Entry(
        result.partition_key,
        result.material_id,
        result.property,
        result.replicate,
        result.value,
        result.outcome,
    )


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("examples", "steps"), [(15, 12), pytest.param(200, 30, marks=pytest.mark.long)])
def test_whatever_comes_in_whatever_order_each_result_counts_once(
    database: Database, examples: int, steps: int
) -> None:
    machine = type("OnThisDatabase", (Interleavings,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=examples < 100,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
