"""A classifier that asks an LLM about the texts it abstains from, without a workspace."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from ..classifiers.classifier import Classifier
from ..classifiers.predictions import Predictions
from ..llm.chat import Chat
from ..taxonomy.errors import BudgetReached, ModelError
from .escalate import Decision, Escalation


@dataclass
class Tally:
    """How the asking went.

    Attributes:
        asked: texts that the LLM gave an answer about.
        failed: texts that it failed on; they stay undefined.
        is_out_of_budget: whether a budget ended the asking; what came after is undefined.
    """

    asked: int = 0
    failed: int = 0
    is_out_of_budget: bool = False


@dataclass(frozen=True)
class EscalatingClassifier(Classifier):
    """As `Classifier`, but what it abstains from the LLM decides, as long as its budget lasts.

    Attributes:
        escalation: who is asked.
        tally: is told how it went.
    """

    escalation: Escalation | None = None
    tally: Tally = field(default_factory=Tally, compare=False)

    def predict_many(self, texts: Sequence[str], *, deduplicate: bool = True) -> Predictions:
        """As `Classifier.predict_many`.

        Raises:
            Stopped, EndpointError: as `Chat.ask`.
        """
        found = super().predict_many(texts, deduplicate=deduplicate)
        rows: list[int] = np.flatnonzero(found.abstained).tolist()
        if not rows or self.escalation is None or self.tally.is_out_of_budget:
            return found
        asked = [texts[row] for row in rows]
        chances = self.probabilities(self.representation.encode(asked))
        decided: dict[int, Decision] = {}
        try:
            for place, vote in self.escalation.ask(asked, chances):
                if isinstance(vote, ModelError):
                    self.tally.failed += 1
                else:
                    decided[rows[place]] = vote.decide(self.labels, chances[place])
                    self.tally.asked += 1
        except BudgetReached:
            self.tally.is_out_of_budget = True
        places = {label.id: place for place, label in enumerate(self.labels)}
        return found.with_labels(
            {
                row: ([places[each] for each in decision.all], decision.confidence)
                for row, decision in decided.items()
            }
        )


def escalating(classifier: Classifier, chat: Chat) -> EscalatingClassifier:
    """The classifier with somebody to ask; its own use case, names and descriptions are what is asked with."""
    held = {each.name: getattr(classifier, each.name) for each in fields(Classifier)}
    return EscalatingClassifier(
        **held, escalation=Escalation(chat, classifier.labels, classifier.use_case or "sort texts")
    )
