"""An LLM as the judge of a run: asks what `tools.evaluation.judge_*` plans, and hands back sections for `Evaluation`.

It is given an `Outcome`, in which there is no gold. A judge first answers items whose answer is known; what it is no
better at than chance it is not asked. Every answer is committed as it arrives, under the stage `judge` of the run's
ledger: a later evaluation, or one that goes on after a kill, asks nothing twice.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..checkpoints.workspace import Workspace
from ..classifiers.encoders.encoder import Encoder
from ..classifiers.features import Vectors
from ..llm.budget import Budget
from ..llm.chat import Chat
from ..llm.request import Request
from ..llm.spec import choose_model
from ..llm.store import AnswerStore, UsageRow, total
from ..nodes.context import Progress, silent
from ..nodes.settings import Settings
from ..prompts.judge import read_shares
from ..prompts.prompt import load_prompt
from ..prompts.quoting import quote
from ..taxonomy.errors import CallError, SettingsError
from ..tools.evaluation.bootstrap import Bootstrap
from ..tools.evaluation.evaluation import Section
from ..tools.evaluation.judge_purposes import OTHER_USE_CASE, known_purposes
from ..tools.evaluation.judge_questions import NEITHER, YES, Asker, Item, Question, Shares, read_item
from ..tools.evaluation.judge_sample import Known, Sampled, draw_known, draw_sample, nearest_others
from ..tools.evaluation.judge_skill import Skill
from ..tools.evaluation.judge_spans import plan_removals
from ..tools.evaluation.judge_verdicts import (
    Bill,
    Kind,
    Removed,
    Said,
    Verdicts,
    agreement_section,
    judge_sections,
    notes_of,
    skill_of,
)
from ..tools.evaluation.outcome import Outcome

STAGE = "judge"
"""Line of the ledger that pays."""
_TIMES = 2
"""A judge reads so many times the words that the labeler read: what was cut there may be why a label is wrong."""
LEAST_KNOWN = 20
"""Texts whose category is known, of which a judge is asked at least so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What judges are asked for.

    Attributes:
        specs: of the LLMs, as `--llm` takes them.
        sample: documents to judge.
        other_use_case: relevance to it is subtracted; None for one that comes along.
        budget_tokens: the judges of this run stop once they have used so many, over all sittings; None for no limit.
        progress: is told how far each judge is.
        stop: when set, no further question is asked.
    """

    specs: tuple[str, ...]
    sample: int = 60
    other_use_case: str | None = None
    budget_tokens: int | None = None
    progress: Progress = silent
    stop: threading.Event | None = None

    def __post_init__(self) -> None:
        if self.sample < 1:
            raise SettingsError(f"--judge-sample {self.sample}: at least one document must be judged")
        if self.budget_tokens is not None and self.budget_tokens < 1:
            raise SettingsError(f"--budget-tokens {self.budget_tokens}: at least one token is needed")
        if len(set(self.specs)) < len(self.specs):
            raise SettingsError("--judge names the same LLM twice: name different ones, or one")


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of it.

    Attributes:
        verdicts: of each judge, in the order given.
        sections: for an `Evaluation`.
        notes: what a reader must know.
    """

    verdicts: tuple[Verdicts, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]


def judge_outcome(
    outcome: Outcome,
    judging: Judging,
    *,
    tables: Workspace,
    settings: Settings,
    how: Bootstrap,
) -> Judged:
    """Ask every judge about a run.

    Args:
        outcome: the run.
        judging: who is asked, and how much.
        tables: its workspace, which keeps the answers.
        settings: of the run: its encoder, and how much of a text is read.
        how: intervals are made; its seed draws the sample too.

    Raises:
        SettingsError: a judge cannot be understood, or two are the same model.
        BudgetReached, Stopped: what was answered is kept; ask again to go on.
        EndpointError, MissingPartError: a judge cannot be had.
    """
    from ..classifiers.encoders import open_encoder

    chosen = [choose_model(spec, os.environ) for spec in judging.specs]
    bench = _Bench.set_up(outcome, judging, open_encoder(settings.encoder), settings, how)
    store = _Ledger(tables.answers.for_run(outcome.run))
    budget = Budget(tokens=judging.budget_tokens)
    verdicts: list[Verdicts] = []
    for spec in chosen:
        with Chat.open(spec, store, budget=budget, stop=judging.stop) as chat:
            if chat.id in [each.judge for each in verdicts]:
                raise SettingsError(f"two judges are the same model, {chat.id}: name different ones, or one")
            verdicts.append(_Trial(chat, bench, judging.progress).hold())
    sections: list[Section] = []
    for number, each in enumerate(verdicts, 1):
        sections += judge_sections("judge" if number == 1 else f"judge_{number}", each, how)
    for one, other in combinations(range(len(verdicts)), 2):
        section = agreement_section(f"judges_{one + 1}_{other + 1}", verdicts[one], verdicts[other], how)
        sections += [] if section is None else [section]
    notes = [note for each in verdicts for note in notes_of(each, how)]
    if len(outcome.leaves) < 2:
        notes.append(
            f"There are only {len(outcome.leaves)} categories to label with: a judge has no choice between labels."
        )
    return Judged(tuple(verdicts), tuple(sections), tuple(notes))


class _Ledger:
    """The run's answers, with what judges have used alone: a run's labels do not use up the judges' budget."""

    def __init__(self, store: AnswerStore) -> None:
        self.get = store.get
        self.put = store.put
        self._store = store

    def usage(self) -> Mapping[str, UsageRow]:
        """What this run has paid its judges."""
        return {stage: row for stage, row in self._store.usage().items() if stage == STAGE}


@dataclass(frozen=True, slots=True)
class _Bench:
    """What every judge is asked about: the same for all."""

    asker: Asker
    encoder: Encoder
    described: Vectors
    siblings: NDArray[np.int64]
    sampled: tuple[Sampled, ...]
    known: tuple[Known, ...]
    other_use_case: str
    how: Bootstrap

    @classmethod
    def set_up(
        cls, outcome: Outcome, judging: Judging, encoder: Encoder, settings: Settings, how: Bootstrap
    ) -> "_Bench":
        words, leaves = _TIMES * settings.max_words, outcome.leaves

        def read(text: str) -> str:
            return quote(text, words)

        described = encoder.encode([leaf.text for leaf in leaves]) if leaves else np.zeros((0, 1), np.float32)
        sampled: tuple[Sampled, ...] = ()
        known: tuple[Known, ...] = ()
        siblings = np.zeros(0, dtype=np.int64)
        if len(leaves) > 1:
            siblings = nearest_others(described)
            given = (outcome, described, encoder)
            sampled = draw_sample(*given, count=judging.sample, seed=how.seed, read=read)
            count = max(LEAST_KNOWN, judging.sample // 2)
            known = draw_known(*given, count=count, seed=how.seed, read=read)
        return cls(
            asker=Asker.of(outcome.use_case, leaves, how.seed),
            encoder=encoder,
            described=described,
            siblings=siblings,
            sampled=sampled,
            known=known,
            other_use_case=judging.other_use_case or OTHER_USE_CASE,
            how=how,
        )

    @property
    def questions_of_relevance(self) -> int:
        """Both orders of every category with both use cases, and of what is known."""
        yes, no = known_purposes()
        return 2 * (len(yes) + len(no) + 2 * len(self.asker.leaves)) if self.asker.leaves else 0

    @property
    def questions(self) -> int:
        """The most that a judge is asked."""
        # Of a known text four pairs and a list, of a sampled one two and one, each in two orders; and three removals.
        return 10 * len(self.known) + 9 * len(self.sampled) + self.questions_of_relevance


class _Trial:
    """One judge before the bench."""

    def __init__(self, chat: Chat, bench: _Bench, progress: Progress) -> None:
        self._chat = chat
        self._bench = bench
        self._progress = progress
        self._done = 0
        self._total = bench.questions
        self._bills: dict[str, Bill] = {part: Bill() for part in ("skill", "labels", "relevance", "removal")}

    def hold(self) -> Verdicts:
        """Ask for what is known, then for the rest."""
        bench = self._bench
        skills: dict[Kind, Skill] = {}
        labels: dict[Kind, Said] = {}
        removed = relevant = elsewhere = None
        if bench.sampled:
            skills = {kind: self._skill(kind) for kind in (Kind.RANDOM, Kind.NEAREST, Kind.LISTWISE)}
            for kind, skill in skills.items():
                if skill.is_usable(bench.how):
                    labels[kind] = self._labels(kind)
            if Kind.LISTWISE in labels:
                removed = self._removed()
            self._done = self._total - bench.questions_of_relevance
        places = range(len(bench.asker.leaves))
        if places:
            skills[Kind.RELEVANCE] = self._relevance_skill()
            if skills[Kind.RELEVANCE].is_usable(bench.how):
                own = [bench.asker.relevant(place) for place in places]
                other = [bench.asker.relevant(place, bench.other_use_case) for place in places]
                said = self._ask([*own, *other], "relevance")
                relevant, elsewhere = said[: len(own)], said[len(own) :]
        self._report(self._total)
        return Verdicts(
            judge=self._chat.id,
            sampled=bench.sampled,
            skills=skills,
            labels=labels,
            relevant=relevant,
            elsewhere=elsewhere,
            removed=removed,
            other_use_case=bench.other_use_case,
            bills=self._bills,
        )

    def _skill(self, kind: Kind) -> Skill:
        """On texts whose category is known: with it, and with a wrong label in its place."""
        known, asker = self._bench.known, self._bench.asker
        right, wrong = [one.right for one in known], [one.wrong for one in known]
        if kind is Kind.LISTWISE:
            said = self._ask([asker.listwise(one.text, one.offered) for one in known], "skill")
            return skill_of(said, right, said, wrong)
        beside_right = [one.beside_right for one in known]
        beside_wrong = [one.beside_wrong for one in known]
        if kind is Kind.NEAREST:
            beside_right = self._bench.siblings[right].tolist()
            beside_wrong = self._bench.siblings[wrong].tolist()
        items = [
            asker.pair(one.text, place, beside)
            for places, besides in ((right, beside_right), (wrong, beside_wrong))
            for one, place, beside in zip(known, places, besides, strict=True)
        ]
        said = self._ask(items, "skill")
        return skill_of(said[: len(known)], right, said[len(known) :], wrong)

    def _relevance_skill(self) -> Skill:
        yes, no = known_purposes()
        said = self._ask([*yes, *no], "skill")
        # Of the irrelevant ones "yes" is the wrong answer.
        return skill_of(said[: len(yes)], [YES] * len(yes), said[len(yes) :], [YES] * len(no))

    def _labels(self, kind: Kind) -> Said:
        asker = self._bench.asker
        items = []
        for one in self._bench.sampled:
            if kind is Kind.LISTWISE:
                items.append(asker.listwise(one.text, one.offered))
            else:
                other = one.random if kind is Kind.RANDOM else one.nearest
                items.append(asker.pair(one.text, one.assigned, other))
        return self._ask(items, "labels")

    def _removed(self) -> Removed | None:
        """The label among all, in the first order, with and without parts of the text."""
        bench, asker = self._bench, self._bench.asker
        whole = self._ask([asker.listwise(one.text, one.offered, 1) for one in bench.sampled], "removal")
        rows = np.flatnonzero(whole > NEITHER)
        texts = [bench.sampled[row].text for row in rows]
        planned = plan_removals(texts, bench.described[whole[rows]], bench.encoder)
        there = [
            (int(row), removal) for row, removal in zip(rows, planned, strict=True) if removal is not None
        ]
        if not there:
            return None
        items = [
            asker.listwise(text, bench.sampled[row].offered, 1)
            for row, removal in there
            for text in (removal.without_span, removal.without_other)
        ]
        said = self._ask(items, "removal")
        before = whole[[row for row, _ in there]]
        return Removed(before=before, without_span=said[::2], without_other=said[1::2])

    def _ask(self, items: Sequence[Item], part: str) -> Said:
        """What the judge says of each item, int64 [n]; the bill of the part is added to."""
        asked = [(place, order) for place, item in enumerate(items) for order in range(len(item.questions))]
        # Lists of all categories one order after the other: a server reads their common beginning once.
        asked.sort(key=lambda each: each[1] if items[each[0]].is_averaged else 0)
        answers = self._answers([items[place].questions[order] for place, order in asked], part)
        found = dict(zip(asked, answers, strict=True))
        return np.array(
            [
                read_item(item, [found[place, order] for order in range(len(item.questions))])
                for place, item in enumerate(items)
            ],
            dtype=np.int64,
        )

    def _answers(self, questions: Sequence[Question], part: str) -> list[Shares | None]:
        requests = [_request(question) for question in questions]
        found: list[Shares | None] = [None] * len(questions)
        tokens: dict[str, int] = {}
        for place, answer in self._chat.ask_all(requests):
            self._report(self._done + 1)
            if isinstance(answer, CallError):
                continue
            tokens[requests[place].key(self._chat.id)] = answer.usage.tokens
            found[place] = read_shares(answer.top_logprobs, answer.text, questions[place].letters)
        self._bills[part] += Bill(tokens)
        return found

    def _report(self, done: int) -> None:
        self._done = min(done, self._total)
        self._progress(STAGE, self._done, self._total, total(self._chat.store.usage()))


def _request(question: Question) -> Request:
    prompt = load_prompt(question.prompt)
    return Request(STAGE, prompt.render(**question.variables), max_tokens=1, top_logprobs=20)
