"""A perceptron with one hidden layer, as in the paper. torch trains it; predicting needs numpy alone."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import BundleError, MissingPartError
from ..arrays import read_arrays, read_settings, write_arrays, write_settings
from ..features import Features
from .examples import Examples, spread
from .head import Probabilities
from .linear_map import LinearMap, read_map, softmax

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

# The paper's: hidden units, Adam's rate and weight decay.
GRID = (32, 64, 128, 256)
RATE = 1e-3
DECAY = 1e-5
# Taken where data is too thin to choose: that many passes over the rows, in steps of a minibatch.
DEFAULT_HIDDEN = 128
DEFAULT_STEPS = 300

_BATCH = 64
_FOLDS = 5
_ROWS_TO_CHOOSE_ON = 4_000
_MOST_STEPS = 4_000
# The held-out part is looked at every so many steps; it is over after so many looks none of which saw the mean
# loss go down by so much: where classes are far apart it goes down for ever, and no label changes.
_LOOK = 25
_PATIENCE = 3
_GAIN = 0.005
_WHAT = "the mlp head"


class MlpHead:
    """Two layers with a ReLU between them over `classes` classes, trained by Adam on the cross-entropy.

    The hidden size (of the paper's four) and the number of steps are chosen by early stopping on a held-out
    fifth, when at least two classes have five examples each; then all rows are trained on for that many steps.
    The sparse block goes into the first layer as it is, and a step moves the weights of the words in its
    minibatch alone (`SparseAdam`), so that it costs no more with a wide vocabulary.

    Args:
        classes: k, at least 1.
        hidden: units of the hidden layer; None chooses it, and the steps, in `fit`.
        steps: minibatches to train on.
        seed: decides the weights at the start, the minibatches and the held-out part.
    """

    kind: ClassVar[str] = "mlp"

    def __init__(
        self, classes: int, *, hidden: int | None = None, steps: int = DEFAULT_STEPS, seed: int = 0
    ) -> None:
        self.classes = classes
        self.hidden = hidden
        self.steps = steps
        self.seed = seed
        self._seen = np.zeros(0, dtype=np.int64)
        self._first = LinearMap(np.zeros((0, 0), np.float32), np.zeros(0, np.float32), 0)
        self._second = np.zeros((0, 0), np.float32)
        self._bias = np.zeros(0, np.float32)

    def fit(
        self,
        features: Features,
        classes: NDArray[np.int64],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from n texts' features, class indices [n] and weights [n]; without rows classes are alike.

        Raises:
            SettingsError: the arguments do not go together.
            MissingPartError: torch is not installed.
        """
        examples = Examples.of(features, classes, sample_weight, self.classes)
        self._seen = examples.seen
        if self.hidden is None:
            self.hidden, self.steps = self._choose(examples)
        if len(self._seen) > 1:
            networks = _Networks(examples, (self.hidden,), self.seed)
            networks.train(self.steps)
            self._first, self._second, self._bias = networks.weights(0)
        return self

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities [n, k] of n texts; a class without examples has probability 0."""
        if len(self._seen) < 2:
            return spread(np.ones((len(features), len(self._seen))), self._seen, self.classes)
        found = _forward(features, self._first, self._second, self._bias)
        return spread(softmax(found), self._seen, self.classes)

    def refit(self) -> Self:
        """An unfitted head with the hidden size and the steps of this one."""
        return type(self)(self.classes, hidden=self.hidden, steps=self.steps, seed=self.seed)

    def save(self, folder: Path) -> None:
        """Write ``head.json``, ``head.npz`` and ``head-first.npz``."""
        settings = {
            "classes": self.classes,
            "hidden": self.hidden,
            "steps": self.steps,
            "seed": self.seed,
            "dense": self._first.width,
        }
        write_settings(folder / "head.json", settings)
        write_arrays(folder / "head.npz", {"seen": self._seen, "weights": self._second, "bias": self._bias})
        write_arrays(folder / "head-first.npz", {"weights": self._first.weights, "bias": self._first.bias})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: a file is absent, is of another format, or does not fit the others.
        """
        settings = read_settings(folder / "head.json", _WHAT)
        try:
            hidden = None if settings["hidden"] is None else int(settings["hidden"])
            head = cls(
                int(settings["classes"]),
                hidden=hidden,
                steps=int(settings["steps"]),
                seed=int(settings["seed"]),
            )
            width = int(settings["dense"])
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{_WHAT} in {folder} cannot be read: {error}") from error
        shapes = {"seen": (None,), "weights": (None, None), "bias": (None,)}
        arrays = read_arrays(folder / "head.npz", _WHAT, shapes)
        head._seen = arrays["seen"].astype(np.int64)
        head._second, head._bias = arrays["weights"].astype(np.float32), arrays["bias"].astype(np.float32)
        head._first = read_map(folder / "head-first.npz", _WHAT, len(head._second), width)
        outputs = 0 if len(head._seen) < 2 else len(head._seen)
        inside = not len(head._seen) or 0 <= head._seen.min() <= head._seen.max() < head.classes
        if not inside or not head._second.shape[1] == len(head._bias) == outputs:
            raise BundleError(f"{_WHAT} in {folder} is inconsistent: not one output for each class")
        return head

    def _choose(self, examples: Examples) -> tuple[int, int]:
        if not examples.can_choose(_FOLDS):
            return DEFAULT_HIDDEN, DEFAULT_STEPS
        examples = examples.at_most(_ROWS_TO_CHOOSE_ON, self.seed)
        train, held = next(examples.splits(_FOLDS, self.seed))
        training, part = examples.take(train), examples.take(held)
        # A class that only the held-out part shows says nothing about when to stop.
        part = part.take(np.flatnonzero(np.isin(part.classes, training.seen)))
        own = np.searchsorted(training.seen, part.classes)
        if not len(part):
            return DEFAULT_HIDDEN, DEFAULT_STEPS
        # All sizes learn at once, from the same minibatches: a step costs hardly more than one network's.
        networks = _Networks(training, GRID, self.seed)
        best = (np.inf, DEFAULT_HIDDEN, DEFAULT_STEPS)
        lowest, since = [np.inf] * len(GRID), [0] * len(GRID)
        for step in range(_LOOK, _MOST_STEPS + 1, _LOOK):
            networks.train(_LOOK)
            for place, hidden in enumerate(GRID):
                if since[place] == _PATIENCE:
                    continue
                chances = softmax(_forward(part.features, *networks.weights(place)))
                own_chances = chances[np.arange(len(own)), own]
                loss = -float(part.weight @ np.log(own_chances + 1e-9)) / float(part.weight.sum())
                best = min(best, (loss, hidden, step))
                since[place] = 0 if loss < lowest[place] - _GAIN else since[place] + 1
                lowest[place] = loss if not since[place] else lowest[place]
            if min(since) == _PATIENCE:
                break
        return best[1], best[2]


def _forward(
    features: Features, first: LinearMap, second: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    inner = first(features)
    np.maximum(inner, 0, out=inner)
    return np.asarray(inner @ second + bias, dtype=np.float32)


class _Networks:
    """Two layers in training, once for each hidden size. What is random comes from numpy: torch's generator belongs
    to the process.
    """

    def __init__(self, examples: Examples, sizes: tuple[int, ...], seed: int) -> None:
        try:
            import torch
        except ImportError as error:
            raise MissingPartError(f"the head 'mlp' needs a library: pip install torch ({error})") from error
        self._torch = torch
        self._features = examples.features
        self._width = 0 if examples.features.dense is None else examples.features.dense.shape[1]
        self._sizes = sizes
        self._draw = np.random.default_rng(seed)
        self._order = np.zeros(0, dtype=np.int64)
        self._classes = torch.from_numpy(examples.local)
        self._weight = torch.from_numpy((examples.weight / examples.weight.mean()).astype(np.float32))
        inputs, outputs, hidden = examples.features.width, len(examples.seen), sum(sizes)
        # Rows have unit length, so that weights of variance 1 give hidden units of variance 1.
        self._first = self._draw.standard_normal((inputs, hidden), dtype=np.float32)
        self._inner_bias = np.zeros(hidden, np.float32)
        self._second = [
            self._draw.standard_normal((size, outputs), dtype=np.float32) * np.float32(size**-0.5)
            for size in sizes
        ]
        self._bias = [np.zeros(outputs, np.float32) for _ in sizes]
        # torch moves numpy's own arrays: they can be predicted with at any time.
        self._moved = [
            torch.from_numpy(array).requires_grad_()
            for array in (self._first[: self._width], self._inner_bias, *self._second, *self._bias)
        ]
        self._words = torch.from_numpy(self._first[self._width :]).requires_grad_()
        self._optimizers: list[Optimizer] = [
            torch.optim.Adam(self._moved, lr=RATE, weight_decay=DECAY, fused=True)
        ]
        if examples.features.sparse is not None:
            self._optimizers.append(torch.optim.SparseAdam([self._words], lr=RATE))

    def train(self, steps: int) -> None:
        """So many minibatches; rows come in a new order in every pass."""
        torch = self._torch
        # Products this small are slower in several threads, and the sums would depend on their number.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for _ in range(steps):
                self._step()
        finally:
            torch.set_num_threads(threads)

    def weights(self, place: int) -> tuple[LinearMap, NDArray[np.float32], NDArray[np.float32]]:
        """Of one network, the first layer, the second layer's weights and its bias; more training may move them."""
        start = sum(self._sizes[:place])
        own = slice(start, start + self._sizes[place])
        first = np.ascontiguousarray(self._first[:, own])
        return LinearMap(first, self._inner_bias[own], self._width), self._second[place], self._bias[place]

    def _step(self) -> None:
        torch = self._torch
        if not len(self._order):
            self._order = self._draw.permutation(len(self._classes))
        rows, self._order = self._order[:_BATCH], self._order[_BATCH:]
        dense, inner_bias, *outer = self._moved
        inner = torch.relu(self._product(rows, dense) + inner_bias).split(self._sizes, dim=1)
        scores = [
            part @ second + bias
            for part, second, bias in zip(
                inner, outer[: len(self._sizes)], outer[len(self._sizes) :], strict=True
            )
        ]
        losses = torch.nn.functional.cross_entropy(
            torch.cat(scores), self._classes[rows].repeat(len(scores)), reduction="none"
        )
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        # The networks share nothing, so that the sum of their losses trains each by its own.
        weight = self._weight[rows].repeat(len(scores)) / len(rows)
        (losses @ weight).backward()
        for optimizer in self._optimizers:
            optimizer.step()

    def _product(self, rows: NDArray[np.int64], dense: "Tensor") -> "Tensor":
        torch = self._torch
        batch = self._features.take(rows)
        parts: list[Tensor] = []
        if batch.dense is not None:
            parts.append(torch.mm(torch.from_numpy(batch.dense), dense))
        if batch.sparse is not None:
            # A row's product is the sum of its columns' weights, each times the row's value.
            parts.append(
                torch.nn.functional.embedding_bag(
                    torch.from_numpy(batch.sparse.indices.astype(np.int64)),
                    self._words,
                    torch.from_numpy(batch.sparse.indptr[:-1].astype(np.int64)),
                    mode="sum",
                    sparse=True,
                    per_sample_weights=torch.from_numpy(batch.sparse.data),
                )
            )
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]
