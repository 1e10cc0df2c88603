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
    import torch

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
            network = _Network(examples, self.hidden, self.seed)
            network.train(self.steps)
            self._first, self._second, self._bias = network.weights()
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
        best = (np.inf, DEFAULT_HIDDEN, DEFAULT_STEPS)
        for hidden in GRID:
            network = _Network(training, hidden, self.seed)
            lowest, since = np.inf, 0
            for step in range(_LOOK, _MOST_STEPS + 1, _LOOK):
                network.train(_LOOK)
                chances = softmax(network.scores(part.features))[np.arange(len(own)), own]
                loss = -float(part.weight @ np.log(chances + 1e-9)) / float(part.weight.sum())
                best = min(best, (loss, hidden, step))
                lowest, since = (loss, 0) if loss < lowest - _GAIN else (lowest, since + 1)
                if since == _PATIENCE:
                    break
        return best[1], best[2]


def _forward(
    features: Features, first: LinearMap, second: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    inner = first(features)
    np.maximum(inner, 0, out=inner)
    return np.asarray(inner @ second + bias, dtype=np.float32)


class _Network:
    """The two layers in training. What is random comes from numpy: torch's own generator belongs to the process."""

    def __init__(self, examples: Examples, hidden: int, seed: int) -> None:
        try:
            import torch
        except ImportError as error:
            raise MissingPartError(f"the head 'mlp' needs a library: pip install torch ({error})") from error
        self._torch = torch
        self._features = examples.features
        self._width = 0 if examples.features.dense is None else examples.features.dense.shape[1]
        self._draw = np.random.default_rng(seed)
        self._order = np.zeros(0, dtype=np.int64)
        self._classes = torch.from_numpy(examples.local)
        self._weight = torch.from_numpy((examples.weight / examples.weight.mean()).astype(np.float32))
        # Rows have unit length, so that weights of variance 1 give hidden units of variance 1.
        first = self._draw.standard_normal((examples.features.width, hidden), dtype=np.float32)
        second = self._draw.standard_normal((hidden, len(examples.seen)), dtype=np.float32)
        second *= np.float32(hidden**-0.5)
        self._map = LinearMap(first, np.zeros(hidden, np.float32), self._width)
        self._outer = second, np.zeros(len(examples.seen), np.float32)
        # torch moves numpy's own arrays: they can be predicted with at any time, without a copy.
        arrays = (first[: self._width], self._map.bias, *self._outer)
        self._moved = tuple(torch.from_numpy(array).requires_grad_() for array in arrays)
        self._words = torch.from_numpy(first[self._width :]).requires_grad_()
        self._optimizers: list[torch.optim.Optimizer] = [
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

    def scores(self, features: Features) -> NDArray[np.float32]:
        """Scores [n, classes seen] as the weights are now."""
        return _forward(features, self._map, *self._outer)

    def weights(self) -> tuple[LinearMap, NDArray[np.float32], NDArray[np.float32]]:
        """The first layer, the second layer's weights and its bias; more training moves them."""
        return self._map, *self._outer

    def _step(self) -> None:
        torch = self._torch
        if not len(self._order):
            self._order = self._draw.permutation(len(self._classes))
        rows, self._order = self._order[:_BATCH], self._order[_BATCH:]
        dense, inner_bias, second, bias = self._moved
        scores = torch.relu(self._first(rows, dense) + inner_bias) @ second + bias
        losses = torch.nn.functional.cross_entropy(scores, self._classes[rows], reduction="none")
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        (losses * self._weight[rows]).mean().backward()  # type: ignore[no-untyped-call]
        for optimizer in self._optimizers:
            optimizer.step()

    def _first(self, rows: NDArray[np.int64], dense: "torch.Tensor") -> "torch.Tensor":
        torch = self._torch
        batch = self._features.take(rows)
        parts = []
        if batch.dense is not None:
            parts.append(torch.from_numpy(batch.dense) @ dense)
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
        return sum(parts[1:], parts[0])
