"""How far each question to the Materials Project got, as JSON that is kept with the answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from catalyst_assets.ingestion.materials_project.selection import Selection
from catalyst_assets.ingestion.raw_cache import recall

_FINISHED: Final = ("question", "db_version", "index", "missing", "round")


class QuestionMemory:
    """What is remembered of one question, beside what is remembered of the others, the last answered one last.

    Parameters
    ----------
    memory
        What was kept last; None before anything was.
    endpoint, selection
        The question.

    Attributes
    ----------
    state
        What is known of this question. ``db_version`` and ``index`` (the sha256 of a raw file) are those of the last
        whole refresh, and ``missing`` what was listed then but not given. Within a refresh, ``next_version`` and
        ``next_index`` are its own, ``round`` says how often an index was asked for again what was missing, and ``asked`` says for how many of the changed materials it has asked.
    is_overruled
        Another question about the same materials was answered later, such as one with the non-commercial ones.
    """

    def __init__(self, memory: Mapping[str, Any] | None, endpoint: str, selection: Selection) -> None:
        question = {
            "endpoint": endpoint,
            "non_commercial": selection.non_commercial,
            **selection.scope_document,
        }
        known = list((memory or {}).get("questions", ()))
        questions = [state["question"] for state in known]
        at = questions.index(question) if question in questions else len(known)
        self._others = known[:at] + known[at + 1 :]
        self.state: Mapping[str, Any] = recall(known[at] if at < len(known) else None, question)
        self.is_overruled = any(
            {name: later[name] for name in selection.scope_document} == selection.scope_document
            for later in questions[at + 1 :]
        )

    @property
    def document(self) -> dict[str, Any]:
        """What to keep."""
        return {"questions": [*self._others, self.state]}

    def start(self, version: str, index: str) -> None:
        """Note a new index: all that differs is to be asked for; of the last one, what was not given."""
        whole: dict[str, Any] = {name: self.state[name] for name in _FINISHED if name in self.state}
        rounds = whole.get("round", 0) + 1 if index == whole.get("index") else 0
        self.state = {
            **whole,
            "next_version": version,
            "next_index": index,
            "round": rounds,
            "asked": 0,
            "not_given": [],
        }

    def advance(self, asked: int, not_given: Sequence[str]) -> None:
        """Note that so many more materials were asked for, and which of them were not given."""
        self.state = {
            **self.state,
            "asked": self.state["asked"] + asked,
            "not_given": [*self.state["not_given"], *not_given],
        }

    def finish(self) -> None:
        """Note that all of the new index is kept."""
        self.state = {
            "question": self.state["question"],
            "db_version": self.state["next_version"],
            "index": self.state["next_index"],
            "missing": self.state["not_given"],
            "round": self.state.get("round", 0),
        }
