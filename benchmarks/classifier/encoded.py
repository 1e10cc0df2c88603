"""Representations whose vectors are kept: the benchmarks encode each corpus once."""

from dataclasses import replace
from pathlib import Path

from tnt_llm.classifiers.encoders.cached import CachedEncoder, bare
from tnt_llm.classifiers.encoders.representation import Representation, open_representation

from benchmarks.classifier.results import Options


def store(options: Options) -> Path:
    """Where the product's embedding cache is."""
    return options.out / "vectors"


def representation(spec: str, options: Options) -> Representation:
    """The representation of a spec, not fitted, with that cache before its slow encoders."""
    return kept(open_representation(spec), options)


def kept(opened: Representation, options: Options) -> Representation:
    """The same with that cache before its slow encoders; a bundle is written without it."""
    return replace(opened, dense=tuple(CachedEncoder(bare(part), store(options)) for part in opened.dense))
