"""Distil the labels of a sample into a classifier: choose a configuration, calibrate it, and say what it is worth."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..classifiers.calibration import Calibration, expected_calibration_error
from ..classifiers.classifier import NEVER, Classifier
from ..classifiers.encoders.representation import Representation, open_representation
from ..classifiers.index import EmbeddingIndex
from ..classifiers.predictions import UNDEFINED, Label
from ..taxonomy.errors import SettingsError
from ..taxonomy.values import Taxonomy
from .calibrate_classifier import calibrate, only
from .choose_classifier import (
    AUTO,
    MOST,
    Held,
    Opener,
    Sample,
    Trained,
    check_head,
    choose,
    cross_validate,
    forgetting,
    known_choice,
    measure_speed,
    open_candidates,
    pairs,
    storing,
    train,
)
from .classifier_metrics import (
    Candidate,
    ClassMetrics,
    Metrics,
    Promise,
    class_metrics,
    macro_f1,
    reliability,
)
from .relearn import carried_over, digests, relearn

__all__ = ["ClassMetrics", "Metrics", "Opener", "train_classifier"]

# With fewer undefined texts than this there is nothing to learn a class from; the novelty gate alone says
# undefined.
LEAST_UNDEFINED = 5
LEAST_SEVERAL = 10
"""Texts with more than one label, from which on it is learned which labels apply beside the first."""


def train_classifier(
    *,
    texts: Sequence[str],
    labels: Sequence[str | None],
    taxonomy: Taxonomy,
    seed: int,
    features: str = AUTO,
    head: str = AUTO,
    representation: Representation | None = None,
    base: str = "minilm",
    min_docs_per_second: float | None = None,
    agreement: float | None = None,
    exemplars: Sequence[tuple[str, str]] = (),
    applicable: Sequence[Sequence[str]] | None = None,
    earlier: Classifier | None = None,
    opening: Opener = open_representation,
    store: Path | None = None,
    use_case: str = "",
    corpus: str = "",
    labelled_by: str = "",
    representative: Sequence[bool] | None = None,
) -> tuple[Classifier, Metrics]:
    """Train on all labelled texts and the exemplars, after measuring by stratified cross-validation.

    Where features or head are left open, candidates are compared by their macro-F1 in cross-validation on these very
    labels (`choose_classifier`). The probabilities are calibrated on held-out predictions, and those are kept as the
    evidence for `Classifier.with_agreement`.

    It knows the categories that some label names or some exemplar shows; another cannot be predicted. Blank texts are
    left out: they are undefined by themselves.

    Args:
        texts: the sample, as the classifier will be given texts: raw, without a phrase.
        labels: category ids [n]; None is undefined.
        taxonomy: where the ids come from.
        seed: decides the folds; the same input gives the same classifier, unless a floor of speed decides.
        features: spec of a representation, or ``auto``.
        head: one of `heads.head.KINDS`, or ``auto``.
        representation: what the classifier will see of texts, opened already; `features` is not asked then.
        base: spec of the encoder that the run places texts with: a candidate of ``auto``.
        min_docs_per_second: candidates that are slower on this machine are left out.
        agreement: abstain where the classifier cannot promise this agreement with the labels.
        exemplars: (text, category id) of texts beside the sample that show their category well. Every fold
            learns from them, none is measured on them. They lift the small categories (docs/results.md).
        applicable: ids of all categories that apply to each text [n]; None: its label alone.
        earlier: what a run has trained before: its configuration is kept unless the categories have changed greatly.
        opening: opens representations.
        store: folder where vectors are kept (`encoders.cached`); None: each text is encoded once in this call.
        use_case: what the categories are for; kept with the classifier, like the next two.
        corpus: what the texts were read from.
        labelled_by: spec of the LLM that gave the labels.
        representative: which texts were drawn at random [n]: what is promised of others is measured on them, where
            they are enough. Texts that were chosen to differ are harder when held out than texts are. None: all.

    Raises:
        SettingsError: the numbers of texts and labels differ, a label is no category's id, or there is no such
            encoder or head.
        MissingPartError: what the features need is not installed.
    """
    known = {category.id: category for category in taxonomy}
    _check(texts, labels, applicable, {label for _, label in exemplars}, known.keys())
    check_head(head)
    kept = [row for row, text in enumerate(texts) if text.strip()]
    shown = [(text, label) for text, label in exemplars if text.strip()]
    used = {*(labels[row] for row in kept), *(label for _, label in shown)}
    categories = tuple(
        Label(
            category.id,
            category.name,
            category.description,
            known[category.parent].name if category.parent in known else None,
        )
        for category in taxonomy
        if category.id in used
    )
    place: dict[str | None, int] = {label.id: row for row, label in enumerate(categories)}
    place[None] = len(categories)
    sample = _sample([texts[row] for row in kept], [place[labels[row]] for row in kept])
    always = _sample([text for text, _ in shown], [place[label] for _, label in shown])
    undefined = int((sample.classes == len(categories)).sum())
    task = _Task(sample, always, len(categories), undefined >= LEAST_UNDEFINED or not categories, seed)

    if earlier is not None and known_choice(
        earlier, [label.id for label in categories], features=features, head=head
    ):
        features, head = earlier.representation.id, earlier.head.kind
    else:
        earlier = None
    if representation is not None:
        features, opening = representation.id, lambda _: representation
    every = sample.with_rows(always)
    names = [*(label.id for label in categories), UNDEFINED]
    learned_from = digests(every, names)
    outcome = None
    if earlier is not None:
        outcome = task.relearn(earlier, learned_from, names, store)
    if outcome is None:
        earlier = None
        outcome = task.search(pairs(features, head, base=base), storing(opening, store), min_docs_per_second)
    trained, held = outcome.trained, outcome.held

    calibration, evidence = Calibration(), None
    if earlier is not None:
        calibration, evidence = earlier.calibration, earlier.agreement
    if held is not None:
        drawn = (
            np.ones(len(texts), dtype=bool) if representative is None else np.asarray(representative, bool)
        )
        calibration, evidence = calibrate(sample, len(categories), only(held, drawn[kept][held.rows]))
    vectors = trained.features.dense
    classifier = Classifier(
        labels=categories,
        representation=forgetting(trained.representation),
        head=trained.head,
        index=None if vectors is None else EmbeddingIndex.build(vectors[_once(every, len(categories))]),
        gate=trained.gate,
        calibration=calibration,
        agreement=evidence,
        learned_undefined=task.learned,
        use_case=use_case,
        corpus=corpus,
        labelled_by=labelled_by,
        learned_from=learned_from,
    )
    metrics = _measure(task, outcome, classifier) if earlier is None else carried_over(earlier, classifier)
    if applicable is not None:
        several = [[place[one] for one in applicable[row] if one in place] for row in kept]
        classifier, metrics = _with_several(task, classifier, metrics, several, trained)
    if agreement is not None:
        classifier, metrics = _with_promise(classifier, metrics, agreement)
    return replace(classifier, metrics=metrics.as_dict()), metrics


@dataclass(frozen=True)
class _Outcome:
    """What was chosen, and all that was tried."""

    trained: Trained
    held: Held | None
    candidates: tuple[Candidate, ...]
    warning: str


@dataclass(frozen=True)
class _Task:
    """What is to be learned.

    Attributes:
        sample: labelled texts, measured on; class `categories` is undefined.
        always: texts that every fold learns from.
        categories: k.
        learned: whether undefined is a class of the head.
        seed: of folds, heads and draws.
    """

    sample: Sample
    always: Sample
    categories: int
    learned: bool
    seed: int

    def search(self, wanted: Sequence[tuple[str, str]], opening: Opener, floor: float | None) -> _Outcome:
        """Try the candidates, and train the one that is taken on everything."""
        opened, missing = open_candidates(wanted, opening)
        some = self if len(self.sample) <= MOST or len(opened) == 1 else self._drawn()
        tried = []
        for representation, kind in opened:
            trained = some._train(representation, kind)
            held = some._validate(trained)
            tried.append((self._candidate(trained, held, some), trained, held))
        place, warning = choose(
            [(candidate, held) for candidate, _, held in tried],
            some.sample.classes,
            self.categories + 1,
            floor=floor,
        )
        candidates = tuple(
            replace(candidate, chosen=True)
            if row == place
            else replace(candidate, note=_left_out(candidate, floor))
            for row, (candidate, _, _) in enumerate(tried)
        )
        _, trained, held = tried[place]
        if some is not self:
            trained = self._train(*opened[place])
            held = self._validate(trained)
        return _Outcome(trained, held, (*candidates, *missing), warning)

    def relearn(
        self, earlier: Classifier, learned_from: Mapping[str, str], names: Sequence[str], store: Path | None
    ) -> _Outcome | None:
        """What is left to learn where nothing but some categories has changed; None where that is not so."""
        every = self.sample.with_rows(self.always)
        trained = relearn(
            earlier, learned_from, every, names, learned=self.learned, seed=self.seed, store=store
        )
        return None if trained is None else _Outcome(trained, None, (), "")

    def _drawn(self) -> "_Task":
        rows = np.random.default_rng(self.seed).permutation(len(self.sample))[:MOST]
        return replace(self, sample=self.sample.take(np.sort(rows)))

    def _train(self, representation: Representation, kind: str) -> Trained:
        return train(
            representation,
            kind,
            self.sample,
            self.always,
            categories=self.categories,
            learned=self.learned,
            seed=self.seed,
        )

    def _validate(self, trained: Trained) -> Held | None:
        return cross_validate(
            trained,
            self.sample,
            self.always,
            categories=self.categories,
            learned=self.learned,
            seed=self.seed,
        )

    def _candidate(self, trained: Trained, held: Held | None, some: "_Task") -> Candidate:
        candidate = Candidate(
            trained.representation.id,
            trained.head.kind,
            docs_per_second=measure_speed(trained, some.sample.texts[:256]),
        )
        if held is None:
            return candidate
        true = some.sample.classes[held.rows]
        return replace(
            candidate,
            macro_f1=macro_f1(true, held.found, self.categories + 1),
            accuracy=float((held.found == true).mean()),
        )


def _check(
    texts: Sequence[str],
    labels: Sequence[str | None],
    applicable: Sequence[Sequence[str]] | None,
    shown: set[str],
    known: Collection[str],
) -> None:
    if len(labels) != len(texts) or (applicable is not None and len(applicable) != len(texts)):
        raise SettingsError(f"{len(texts)} texts and {len(labels)} labels do not go together")
    named = {label for label in labels if label is not None} | shown
    if strange := sorted(named - set(known)):
        raise SettingsError(f"labels that are no category of the taxonomy: {', '.join(strange[:5])}")


def _sample(texts: list[str], classes: list[int]) -> Sample:
    return Sample(texts, np.array(classes, dtype=np.int64))


def _left_out(candidate: Candidate, floor: float | None) -> str:
    if floor is not None and (candidate.docs_per_second or 0.0) < floor:
        return f"slower than {floor:,.0f} texts a second"
    return ""


def _once(sample: Sample, categories: int) -> NDArray[np.int64]:
    """Rows of the texts that have a category, each different text once."""
    inside = np.flatnonzero(sample.classes < categories)
    return np.array(sorted({sample.texts[row]: row for row in inside[::-1]}.values()), dtype=np.int64)


def _measure(task: _Task, outcome: _Outcome, classifier: Classifier) -> Metrics:
    n, undefined, held = len(task.sample), task.categories, outcome.held
    share = np.bincount(task.sample.classes, minlength=undefined + 1) / max(n, 1)
    metrics = Metrics(
        n=n,
        folds=0,
        accuracy=None,
        macro_f1=None,
        majority=float(share.max()),
        undefined_share=float(share[undefined]),
        classes=(),
        features=classifier.representation.id,
        head=classifier.head.kind,
        candidates=outcome.candidates,
        warnings=(outcome.warning,) if outcome.warning else (),
    )
    if held is None:
        return metrics
    true = task.sample.classes[held.rows]
    names = [(label.id, label.name) for label in classifier.labels] + [(None, UNDEFINED)]
    classes = class_metrics(names, true, held.found)
    right = held.found == true
    confidence = classifier.calibration.apply(held.chances).max(axis=1)
    given = held.passed
    return replace(
        metrics,
        folds=1 if n > MOST else min(5, n),
        measured_on=len(true),
        accuracy=float(right.mean()),
        macro_f1=float(np.mean([row.f1 for row in classes])),
        classes=classes,
        calibration_error=expected_calibration_error(confidence[given], right[given])
        if given.any()
        else None,
        reliability=reliability(confidence[given], right[given]) if given.any() else (),
    )


def _with_several(
    task: _Task,
    classifier: Classifier,
    metrics: Metrics,
    several: Sequence[Sequence[int]],
    trained: Trained,
) -> tuple[Classifier, Metrics]:
    """Learn which labels apply beside the primary one, where enough texts bear several."""
    k = task.categories
    many = sum(len(set(row)) > 1 for row in several)
    metrics = replace(metrics, several_labels=many / max(len(several), 1))
    if many < LEAST_SEVERAL or k < 2:
        return classifier, metrics
    from ..classifiers.multilabel import OneVsRest

    applies = np.zeros((len(trained.features), k), dtype=bool)
    for row, columns in enumerate(several):
        applies[row, [column for column in columns if column < k]] = True
    for row, column in enumerate(task.always.classes.tolist(), len(several)):
        applies[row, column] = True
    return replace(classifier, multi=OneVsRest(k).fit(trained.features, applies)), metrics


def _with_promise(classifier: Classifier, metrics: Metrics, level: float) -> tuple[Classifier, Metrics]:
    if classifier.agreement is None:
        return (
            replace(classifier, least_confidence=NEVER),
            metrics.promising(Promise(level, None, 0.0)),
        )
    careful = classifier.with_agreement(level)
    least = careful.least_confidence
    promised = None if least >= NEVER else least
    coverage = 0.0 if promised is None else classifier.agreement.coverage(promised)
    return careful, metrics.promising(Promise(level, promised, coverage))
