"""Texts that the classifier abstains from, asked of the LLM: its word and the classifier's count together."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..classifiers.predictions import Label
from ..llm.answer import Answer
from ..llm.chat import Chat
from ..llm.request import Request
from ..prompts.answers import LETTERS, letter_distribution
from ..prompts.quoting import quote
from ..taxonomy.errors import AnswerError, CallError, ModelError
from .label_questions import letter_question, reason_question, reason_reader
from .settle import ALSO_FROM

STAGE = "escalate"
WORDS = 60
"""Of a text, that the LLM reads."""

Chances = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Vote:
    """What the LLM answered about a text.

    Attributes:
        shares: by category id, how probable its letter was; None where it was asked for reasons.
        primary: category id that it named then; None for none of those offered.
        all: ids of all that apply then, the primary first.
        reason: its reason, one sentence, then.
    """

    shares: Mapping[str, float] | None = None
    primary: str | None = None
    all: tuple[str, ...] = ()
    reason: str = ""

    def to_json(self) -> str:
        """One line of JSON."""
        if self.shares is not None:
            return json.dumps({"shares": {key: round(value, 6) for key, value in self.shares.items()}})
        return json.dumps({"primary": self.primary, "all": list(self.all), "reason": self.reason})

    @classmethod
    def from_json(cls, text: str) -> "Vote":
        """What `to_json` gave."""
        values = json.loads(text)
        return cls(
            values.get("shares"),
            values.get("primary"),
            tuple(values.get("all", ())),
            values.get("reason", ""),
        )

    def decide(self, labels: Sequence[Label], chances: Chances) -> "Decision":
        """The label that comes of it.

        Letters are one more opinion beside the classifier's: their probabilities are multiplied. A category that was
        named with a reason counts as it is.

        Args:
            labels: of the classifier.
            chances: float64 [k], how probable it finds each of them.
        """
        places = {label.id: place for place, label in enumerate(labels)}
        if self.shares is None:
            # The model gives no probability: half of it is its word, half what the classifier makes of it.
            sure = float(chances[places[self.primary]]) if self.primary in places else 0.5
            return Decision(self.primary, self.all, 0.5 + sure / 2, self.reason)
        ids = [key for key in self.shares if key in places]
        both = np.array([max(float(self.shares[key]), 1e-6) * max(chances[places[key]], 1e-6) for key in ids])
        if not len(both):
            return Decision(None, (), 0.5, "")
        both /= both.sum()
        order = [int(row) for row in np.argsort(-both, kind="stable")]
        first = order[0]
        named = [ids[row] for row in order if row == first or both[row] >= ALSO_FROM]
        return Decision(ids[first], tuple(named), float(both[first]), "")


@dataclass(frozen=True, slots=True)
class Decision:
    """The label of a text that was asked about.

    Attributes:
        primary: category id; None for undefined.
        all: ids of all that apply, the primary first.
        confidence: 0..1.
        reason: the LLM's, or "".
    """

    primary: str | None
    all: tuple[str, ...]
    confidence: float
    reason: str


@dataclass
class Escalation:
    """Asks an LLM about texts, with the words of a classifier: nothing else is needed.

    It asks for a letter, and where the endpoint reports no probabilities of letters for a category with a reason.

    Attributes:
        chat: the LLM.
        labels: what a text can be.
        use_case: what the categories are for.
        words: of a text that the LLM reads.
    """

    chat: Chat
    labels: Sequence[Label]
    use_case: str
    words: int = WORDS
    _letters: bool | None = field(default=None, init=False, repr=False)

    def ask(
        self, texts: Sequence[str], chances: Chances
    ) -> Iterator[tuple[int, Vote | CallError | AnswerError]]:
        """(row, vote) as the answers come; a text that the LLM failed on comes with the error.

        Args:
            texts: n texts.
            chances: float64 [n, k], how probable the classifier finds each label; the likeliest 26 are offered.

        Raises:
            BudgetReached, Stopped, EndpointError: as `Chat.ask`; what has come by then stays.
        """
        if not len(texts) or not self.labels:
            return
        # In the order of the labels: where all are offered, the prompt begins alike for every text, and is read once.
        likely = np.argsort(-chances[:, : len(self.labels)], axis=1, kind="stable")[:, : len(LETTERS)]
        offered = [[self.labels[place] for place in sorted(row.tolist())] for row in likely]
        read = [quote(text, self.words) for text in texts]
        if self._letters is None:
            self._letters = self._reports_letters(read[0], offered[0])
        yield from (self._by_letters if self._letters else self._by_reasons)(read, offered)

    def _reports_letters(self, text: str, offered: Sequence[Label]) -> bool:
        """Found out with an answer that is needed anyway."""
        try:
            return bool(self.chat.ask(self._letter_request(text, offered)).top_logprobs)
        except CallError:
            return True

    def _letter_request(self, text: str, offered: Sequence[Label]) -> Request:
        return letter_question(STAGE, self.use_case, text, offered)

    def _by_letters(
        self, texts: Sequence[str], offered: Sequence[Sequence[Label]]
    ) -> Iterator[tuple[int, Vote | CallError | AnswerError]]:
        requests = [self._letter_request(text, some) for text, some in zip(texts, offered, strict=True)]
        for row, answer in self.chat.ask_all(requests):
            yield row, _read_letters(answer, offered[row])

    def _by_reasons(
        self, texts: Sequence[str], offered: Sequence[Sequence[Label]]
    ) -> Iterator[tuple[int, Vote | CallError | AnswerError]]:
        most = max(len(some) for some in offered)
        requests = [
            reason_question(STAGE, self.use_case, text, some)
            for text, some in zip(texts, offered, strict=True)
        ]
        for row, found in self.chat.parse_all(requests, reason_reader(most)):
            if isinstance(found, ModelError):
                yield row, found
                continue
            ids = [
                offered[row][place - 1].id for place in dict.fromkeys((found.primary, *found.all)) if place
            ]
            primary = ids[0] if found.primary else None
            yield row, Vote(None, primary, tuple(ids) if primary else (), found.reason)


def _read_letters(answer: Answer | CallError, offered: Sequence[Label]) -> Vote | CallError | AnswerError:
    if isinstance(answer, CallError):
        return answer
    letters = LETTERS[: len(offered)]
    try:
        shares = letter_distribution(answer.top_logprobs, letters)
    except ValueError as error:
        return AnswerError(str(error), answer.text)
    return Vote({label.id: shares[letter] for letter, label in zip(letters, offered, strict=True)})


def reason_for_abstaining(confidence: float, least: float) -> str:
    """Why a text was given no category, in a sentence."""
    if least > 1.0:
        return "The classifier abstains: no confidence can promise the agreement that was asked for."
    return f"The classifier abstains: its confidence of {confidence:.2f} is below {least:.2f}."
