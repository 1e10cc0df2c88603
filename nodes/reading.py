"""How documents are read: their sample, the words a model sees, the vectors they are placed by."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from ..checkpoints.phrases import Phrase
from ..checkpoints.workspace import Workspace
from ..classifiers.encoders import Encoder, Vectors
from ..prompts.prompt import load_prompt
from ..prompts.quoting import quote
from ..taxonomy.values import Category, Taxonomy
from ..tools.coverage import cover
from ..tools.evidence import Placement, fit_threshold, prototypes, unit
from .settings import Settings

HELD_OUT = 5
"""One document in so many is held out of the loop, to measure versions on."""
MOST_HELD_OUT = 500
METHOD = "facilities-1"
"""How the label sample is chosen: part of what a choice is kept under."""


class Reading:
    """The sample as models and vectors see it. Everything is a function of settings, corpus and phrases.

    A model reads ``phrase: text``, or ``phrase: summary`` for a long one. The vector is that of the text, drawn
    towards that of the phrase: embedded as one string, a vague phrase spoils a clear text (docs/decisions.md).
    Vectors are made for the whole sample at once and kept in memory, so that a resumed run computes the
    very same ones.
    """

    def __init__(self, settings: Settings, workspace: Workspace, encoder: Encoder, model_id: str) -> None:
        self.settings = settings
        self._workspace = workspace
        self._encoder = encoder
        self._described: dict[str, Vectors] = {}
        self._others: dict[tuple[str, str], Vectors] = {}
        self._last: tuple[tuple[int, ...], Vectors] = ((), np.zeros((0, 0), dtype=np.float32))
        recipe = (
            settings.use_case,
            settings.language,
            str(settings.max_words),
            str(settings.read_words),
            load_prompt("phrase").id,
            load_prompt("summary").id,
            model_id,
        )
        self.purpose = blake2b("\0".join(recipe).encode(), digest_size=8).hexdigest()

    @cached_property
    def sample(self) -> list[int]:
        """Numbers of the sample's documents, ascending."""
        return self._workspace.documents.sample(self.settings.sample, self.settings.seed)

    @cached_property
    def held_out(self) -> list[int]:
        """Numbers that no minibatch contains."""
        shuffled = np.random.default_rng(self.settings.seed).permutation(len(self.sample))
        count = min(len(self.sample) // HELD_OUT, MOST_HELD_OUT)
        return sorted(self.sample[row] for row in shuffled[:count])

    @cached_property
    def pool(self) -> list[int]:
        """Numbers that minibatches are drawn from, ascending."""
        kept = set(self.held_out)
        return [number for number in self.sample if number not in kept]

    @cached_property
    def label_sample(self) -> list[int]:
        """Numbers of the sample's documents that the LLM labels, ascending: they stand for what texts there are.

        Chosen by the texts alone, and kept: neither edits nor texts that are read anew make another choice.
        """
        return self._chosen[0]

    @cached_property
    def representative(self) -> list[int]:
        """Those of it that were drawn at random, ascending: what is measured on them holds for the corpus.

        The others lie farther apart than texts do, so that one that is held out is harder than texts are.
        """
        return self._chosen[1]

    @cached_property
    def _chosen(self) -> tuple[list[int], list[int]]:
        """The label sample, and what of it was drawn at random."""
        settings, samples = self.settings, self._workspace.label_samples
        count = min(settings.label_sample or len(self.sample), len(self.sample))
        if count == len(self.sample):
            return self.sample, self.sample
        recipe = f"{METHOD}|{self._encoder.id}|{settings.sample}|{count}|{settings.seed}"
        known = samples.get(recipe), samples.get(f"{recipe}|at random")
        if known[0]:
            return known
        every, drawn = (
            [self.sample[row] for row in rows] for rows in cover(self._plain, count, settings.seed)
        )
        # The whole choice last: it is what tells that both are there.
        drawn = samples.keep(f"{recipe}|at random", drawn)
        return samples.keep(recipe, every), drawn

    def strangers(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """bool [n]: which documents are known to belong to no category that was there before."""
        return np.zeros(len(numbers), dtype=bool)

    def minibatches(self, trial_seed: int, epoch: int) -> list[list[int]]:
        """The pool, shuffled for this trial and epoch, in minibatches of about equal size."""
        shuffled = np.random.default_rng([trial_seed, epoch]).permutation(len(self.pool))
        count = max(1, round(len(self.pool) / self.settings.minibatch))
        return [[self.pool[row] for row in part] for part in np.array_split(shuffled, count)]

    def texts(self, numbers: Sequence[int]) -> list[str]:
        """What models read of each document: ``phrase: text`` or ``phrase: summary``, cut at `max_words`."""
        phrases = self._workspace.phrases.get(self.purpose, numbers)
        read = []
        for document in self._workspace.documents.get(numbers):
            phrase = phrases.get(document.number, Phrase(""))
            body = quote(phrase.summary or document.text, self.settings.max_words)
            read.append(f"{quote(phrase.phrase, 12)}: {body}" if phrase.phrase else body)
        return read

    def raw(self, numbers: Sequence[int]) -> list[str]:
        """The documents' own words, or the summary of a long one, cut at `max_words`: what names are made from."""
        phrases = self._workspace.phrases.get(self.purpose, numbers)
        return [
            quote(phrases.get(document.number, Phrase("")).summary or document.text, self.settings.max_words)
            for document in self._workspace.documents.get(numbers)
        ]

    def vectors(self, numbers: Sequence[int]) -> Vectors:
        """float32 [n, d] of documents; those of the sample are at hand, others are encoded when first asked for."""
        if all(number in self._rows for number in numbers):
            return self._vectors[[self._rows[number] for number in numbers]]
        beside = [number for number in numbers if number not in self._rows]
        phrases = self._workspace.phrases.get(self.purpose, beside)
        others = {
            document.number: self._beside(document.text, phrases.get(document.number, Phrase("")))
            for document in self._workspace.documents.get(beside)
        }
        return np.stack(
            [others[number] if number in others else self._vectors[self._rows[number]] for number in numbers]
        )

    def plain(self, numbers: Sequence[int]) -> Vectors:
        """float32 [n, d] of documents' texts alone, as a classifier sees them; kept until others are asked for."""
        wanted = tuple(numbers)
        if self._last[0] != wanted:
            texts = [document.text for document in self._workspace.documents.get(wanted)]
            self._last = (wanted, self._encoder.encode(texts))
        return self._last[1]

    def described(self, categories: Sequence[Category]) -> Vectors:
        """float32 [k, d] of "name: description"."""
        texts = [category.text for category in categories]
        # One at a time, so that the vector does not depend on what else was asked for.
        for text in texts:
            if text not in self._described:
                self._described[text] = self._encoder.encode([text])[0]
        if not texts:
            return np.zeros((0, self._vectors.shape[1]), dtype=np.float32)
        return np.stack([self._described[text] for text in texts])

    def prototypes(self, categories: Sequence[Category]) -> Vectors:
        """float32 [k, d]: where each category lies among the documents."""
        exemplars = [self.vectors(list(category.exemplars)) for category in categories]
        return prototypes(self.described(categories), exemplars)

    def place(self, taxonomy: Taxonomy, numbers: Sequence[int]) -> Placement:
        """Where documents fall among the leaves; what fits is measured on the held-out documents."""
        leaves = self.prototypes(taxonomy.leaves)
        foreign = self.vectors(self.held_out or self.sample) @ leaves.T
        threshold = fit_threshold(foreign, self.settings.fit_quantile)
        similarities = np.asarray(self.vectors(numbers) @ leaves.T, dtype=np.float32)
        return Placement(similarities, threshold)

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {number: row for row, number in enumerate(self.sample)}

    @cached_property
    def _plain(self) -> Vectors:
        """Of the sample's texts alone."""
        return self._encoder.encode(
            [document.text for document in self._workspace.documents.get(self.sample)]
        )

    @cached_property
    def _vectors(self) -> Vectors:
        found = self._workspace.phrases.get(self.purpose, self.sample)
        phrases = [found.get(number, Phrase("")) for number in self.sample]
        subjects = self._encoder.encode([_subject(phrase) for phrase in phrases])
        return self._drawn(self._plain, subjects, phrases)

    def _drawn(self, texts: Vectors, subjects: Vectors, phrases: Sequence[Phrase]) -> Vectors:
        """The vectors of texts, drawn towards those of their subjects where they have any."""
        known = np.array([[bool(phrase.phrase)] for phrase in phrases])
        drawn = np.float32(self.settings.phrase_weight) * np.where(known, subjects, np.float32(0))
        return unit(texts + drawn)

    def _beside(self, text: str, phrase: Phrase) -> Vectors:
        """float32 [d] of a document outside the sample."""
        key = (text, _subject(phrase))
        # One at a time, so that the vector does not depend on what else was asked for.
        if key not in self._others:
            text_vector, subject = self._encoder.encode([text]), self._encoder.encode([key[1]])
            self._others[key] = self._drawn(text_vector, subject, [phrase])[0]
        return self._others[key]


def _subject(phrase: Phrase) -> str:
    return f"{phrase.phrase}: {phrase.summary}" if phrase.summary else phrase.phrase
