"""tnt: from a pile of texts to a label taxonomy and a classifier (TnT-LLM, arXiv 2403.12173)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .classifiers.classifier import Classifier as Classifier
    from .classifiers.streaming import classify as classify
    from .graph.run import Run as Run
    from .taxonomy.errors import TntError as TntError
    from .taxonomy.values import Category as Category
    from .taxonomy.values import Taxonomy as Taxonomy

# Imported on first use: an import here would load langgraph and torch with every `tnt --help`.
_HOMES = {
    "Run": ".graph.run",
    "classify": ".classifiers.streaming",
    "Classifier": ".classifiers.classifier",
    "Category": ".taxonomy.values",
    "Taxonomy": ".taxonomy.values",
    "TntError": ".taxonomy.errors",
}

__all__ = ["Category", "Classifier", "Run", "Taxonomy", "TntError", "__version__", "classify"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
