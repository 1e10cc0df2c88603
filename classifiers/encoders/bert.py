"""A BERT encoder on the CPU, for many short texts: no padding, few and large operations.

The tokens of all texts of a batch lie one behind the other in one matrix [tokens, width], so every linear layer is
one product and none of it is spent on padding; only attention looks at texts, all of one length at a time. The
values are those of transformers' ``BertModel`` with mean pooling, up to rounding.
"""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..features import Vectors

if TYPE_CHECKING:
    from torch import Tensor

    Pair = tuple[Tensor, Tensor]

# Tokens of a batch: enough for the products, little enough that what they make stays in the cache.
_LEAST, _MOST = 256, 2048
_CORES = threading.Lock()  # how many threads torch uses is one setting of the process


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights and biases of one layer; the projections to queries, keys and values are one."""

    qkv: "Pair"
    out: "Pair"
    norm: "Pair"
    up: "Pair"
    down: "Pair"
    last_norm: "Pair"


class Bert:
    """The weights of a ``BertModel`` with absolute positions and GELU.

    Args:
        folder: holds ``config.json`` and ``model.safetensors``.

    Raises:
        OSError: a file cannot be read.
        KeyError, ValueError: the files are not those of such a model.
    """

    def __init__(self, folder: Path) -> None:
        from safetensors.torch import load_file

        config = json.loads((folder / "config.json").read_text("utf-8"))
        if config["hidden_act"] != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
            raise ValueError(f"{folder} is not a BERT with absolute positions and GELU")
        weights = load_file(folder / "model.safetensors")

        def pair(name: str) -> "Pair":
            return weights[f"{name}.weight"], weights[f"{name}.bias"]

        self.dimension = int(config["hidden_size"])
        self._heads = int(config["num_attention_heads"])
        self._eps = float(config["layer_norm_eps"])
        self._words = weights["embeddings.word_embeddings.weight"]
        # A text is of one segment, so the segment's vector can be a part of every position's.
        self._positions = (
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = pair("embeddings.LayerNorm")
        self._layers = [
            _layer(f"encoder.layer.{number}", pair) for number in range(config["num_hidden_layers"])
        ]

    def pool(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """Mean of the last layer's tokens for each text, float32 [n, d], not normalised.

        Args:
            texts: ids of the tokens of each text, with those that mark start and end; at least one a text.
        """
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        with _CORES:
            self._fill(vectors, texts, order)
        return vectors

    def _fill(self, vectors: Vectors, texts: Sequence[Sequence[int]], order: list[int]) -> None:
        """Write the rows, in batches of texts of alike length.

        Each core works on a batch of its own, rather than all of them on each operation: there they would wait for
        each other ten thousand times, and for whatever else runs on the machine.
        """
        import torch

        threads = torch.get_num_threads()
        lengths = [len(texts[number]) for number in order]
        batches = _batches(lengths, min(_MOST, max(_LEAST, sum(lengths) // (2 * threads))))

        def fill(batch: slice) -> None:
            rows = order[batch]
            with torch.inference_mode():  # a setting of the thread
                vectors[rows] = self._pool([texts[number] for number in rows]).numpy()

        if len(batches) < 2 or threads == 1:
            for batch in batches:
                fill(batch)
            return
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(threads) as workers:
                list(workers.map(fill, batches))
        finally:
            torch.set_num_threads(threads)

    def _pool(self, texts: list[Sequence[int]]) -> "Tensor":
        """Like `pool`, for one batch in the order of lengths."""
        import torch
        from torch.nn import functional as nn

        # (texts, their length) in the order of the rows
        groups = [(len(list(same)), length) for length, same in groupby(texts, key=len)]
        ids = torch.from_numpy(np.concatenate([np.asarray(text, dtype=np.int64) for text in texts]))
        places = torch.cat([torch.arange(length).repeat(count) for count, length in groups])
        shape = (self.dimension,)
        x = nn.layer_norm(self._words[ids] + self._positions[places], shape, *self._norm, eps=self._eps)
        for layer in self._layers:
            y = nn.linear(self._attend(nn.linear(x, *layer.qkv), groups), *layer.out)
            x = nn.layer_norm(y.add_(x), shape, *layer.norm, eps=self._eps)
            y = nn.linear(nn.gelu(nn.linear(x, *layer.up)), *layer.down)
            x = nn.layer_norm(y.add_(x), shape, *layer.last_norm, eps=self._eps)
        means, start = [], 0
        for count, length in groups:
            means.append(x[start : start + count * length].view(count, length, -1).mean(dim=1))
            start += count * length
        return torch.cat(means)

    def _attend(self, qkv: "Tensor", groups: list[tuple[int, int]]) -> "Tensor":
        """Each token looks at those of its own text: [tokens, 3 * width] -> [tokens, width]."""
        import torch
        from torch.nn.functional import scaled_dot_product_attention

        seen, start = [], 0
        for count, length in groups:
            part = qkv[start : start + count * length].view(count, length, 3, self._heads, -1)
            query, key, value = part.permute(2, 0, 3, 1, 4)
            found = scaled_dot_product_attention(query, key, value)
            seen.append(found.transpose(1, 2).reshape(count * length, -1))
            start += count * length
        return torch.cat(seen) if len(seen) > 1 else seen[0]


def _layer(name: str, pair: "Callable[[str], Pair]") -> _Layer:
    """The weights of one layer, by the names that transformers gives them."""
    import torch

    projections = [pair(f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
    return _Layer(
        qkv=(torch.cat([weight for weight, _ in projections]), torch.cat([bias for _, bias in projections])),
        out=pair(f"{name}.attention.output.dense"),
        norm=pair(f"{name}.attention.output.LayerNorm"),
        up=pair(f"{name}.intermediate.dense"),
        down=pair(f"{name}.output.dense"),
        last_norm=pair(f"{name}.output.LayerNorm"),
    )


def _batches(lengths: Sequence[int], most: int) -> list[slice]:
    """Runs of texts of at most so many tokens together; a text that has more is a run of its own."""
    found, start, size = [], 0, 0
    for number, length in enumerate(lengths):
        if number > start and size + length > most:
            found.append(slice(start, number))
            start, size = number, 0
        size += length
    if start < len(lengths):
        found.append(slice(start, len(lengths)))
    return found
