"""How a run that goes on from another reads: that one's sample, and of the new documents what is new."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checkpoints.run_documents import Part
from .reading import HELD_OUT, MOST_HELD_OUT, Reading


class ReadingOn(Reading):
    """The sample of the run that it goes on from, with its subjects and vectors, and the novel documents beside it.

    Minibatches have novel documents alone: the others have made the taxonomy that there is. Where there are none, all
    is as it was in that run.
    """

    def __init__(self, *given: Any, run: str) -> None:
        super().__init__(*given)
        self._run = run

    @cached_property
    def novel(self) -> list[int]:
        """Numbers of the new documents that are unlike the known ones, as far as they are read; ascending."""
        return self._part(Part.NOVEL)

    @cached_property
    def sample(self) -> list[int]:
        """Numbers of the sample's documents, ascending."""
        return sorted({*self._part(Part.SAMPLE), *self.novel})

    @cached_property
    def held_out(self) -> list[int]:
        """Numbers that no minibatch contains, ascending: the old ones, and some of the novel ones."""
        count = min(len(self.novel) // HELD_OUT, MOST_HELD_OUT)
        return sorted({*self._part(Part.HELD_OUT), *self._shuffled(0)[:count]})

    @cached_property
    def pool(self) -> list[int]:
        """Numbers that minibatches are drawn from, ascending."""
        kept = set(self.held_out)
        return [number for number in self.novel or self.sample if number not in kept]

    @cached_property
    def _chosen(self) -> tuple[list[int], list[int]]:
        """What the LLM labels: what it has labelled, and of the novel documents no more than a label sample."""
        count = min(self.settings.label_sample or len(self.novel), len(self.novel))
        return sorted({*self._part(Part.LABELLED), *self._shuffled(1)[:count]}), self._part(Part.AT_RANDOM)

    def strangers(self, numbers: Sequence[int]) -> NDArray[np.bool_]:
        """bool [n]: which documents are novel, and so in no category that was there before."""
        novel = set(self.novel)
        return np.array([number in novel for number in numbers], dtype=bool)

    def _part(self, part: Part) -> list[int]:
        return list(self._workspace.run_documents.get(self._run, part))

    def _shuffled(self, stream: int) -> list[int]:
        order = np.random.default_rng([self.settings.seed, stream]).permutation(len(self.novel))
        return [self.novel[row] for row in order]
