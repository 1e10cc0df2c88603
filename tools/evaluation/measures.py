"""What every figure means, in words for people: the command line and the report take them from here."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from . import judge_measures


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure's name and meaning.

    Attributes:
        title: short, for a table.
        meaning: one sentence.
        low_is_good: whether less is better.
    """

    title: str
    meaning: str
    low_is_good: bool = False


_GOLD = {
    "accuracy": Measure(
        "Accuracy, best matching",
        "Share that is right when each category is matched with one gold class; what is left over is wrong.",
    ),
    "purity": Measure("Purity", "Share that is of the most frequent gold class of its category."),
    "inverse_purity": Measure(
        "Inverse purity", "Share that is in the most frequent category of its gold class."
    ),
    "purity_f1": Measure("Purity, harmonic mean", "Harmonic mean of purity and inverse purity."),
    "nmi": Measure("NMI", "Normalized mutual information of categories and gold classes."),
    "ami": Measure("AMI", "The same less what chance gives: 0 is chance, 1 is equal."),
    "ari": Measure("ARI", "Pairs of documents that are together in both, less what chance gives."),
    "recovered": Measure(
        "Gold classes recovered", "Share of the gold classes that some category has with an F1 of .5 or more."
    ),
    "coverage": Measure("Coverage", "Share of the documents that got a category."),
}
_TRUST = {
    "ece": Measure(
        "Calibration error",
        "Mean distance between confidence and accuracy, over 15 bins of equally many documents.",
        low_is_good=True,
    ),
    "aurc": Measure(
        "Area under risk-coverage",
        "Mean error over all shares of documents that could be answered, the surest first.",
        low_is_good=True,
    ),
}
_KAPPA = "Agreement less what chance gives: 0 is chance, 1 is always."
_WHO = {"teacher": "LLM", "student": "Classifier"}
_LABELERS = {
    f"{who}_{what}": Measure(f"{name}: {title}", meaning)
    for who, name in _WHO.items()
    for what, title, meaning in (
        ("accuracy", "accuracy", "Share that is right after categories are mapped to gold classes."),
        ("macro_f1", "macro F1", "Mean F1 of the gold classes after that mapping."),
        ("kappa", "Cohen's kappa", _KAPPA),
    )
} | {
    "accuracy_difference": Measure(
        "Classifier minus LLM: accuracy", "On the same documents; above 0 the classifier is better."
    ),
    "macro_f1_difference": Measure(
        "Classifier minus LLM: macro F1", "On the same documents; above 0 the classifier is better."
    ),
}
_STUDENT = {
    "fidelity": Measure("Fidelity", "Share of the documents that the classifier labels as the LLM did."),
    "fidelity_macro_f1": Measure(
        "Fidelity, macro F1", "Mean F1 of the categories, the LLM's label being right."
    ),
    "fidelity_kappa": Measure("Fidelity, Cohen's kappa", _KAPPA),
}
_SEVERAL = {
    "micro_precision": ("micro precision", "Share of the labels given that are right."),
    "micro_recall": ("micro recall", "Share of the gold labels that were given."),
    "micro_f1": ("micro F1", "Harmonic mean of the two."),
    "macro_precision": ("macro precision", "Precision of each gold label, on average."),
    "macro_recall": ("macro recall", "Recall of each gold label, on average."),
    "macro_f1": ("macro F1", "F1 of each gold label, on average."),
    "subset_accuracy": ("all labels exactly", "Share of the documents whose set of labels is exactly right."),
    "jaccard": ("Jaccard", "Labels in both sets over labels in either, on average."),
}
_ALL_LABELS = {
    f"{who}_{name}": Measure(f"{called}: {title}", meaning)
    for who, called in _WHO.items()
    for name, (title, meaning) in _SEVERAL.items()
}
_HIERARCHY = {
    "h_precision": Measure(
        "Hierarchical precision", "Of the classes given, those above counted too, share that is right."
    ),
    "h_recall": Measure(
        "Hierarchical recall", "Of the gold classes, those above counted too, share that was given."
    ),
    "h_f1": Measure("Hierarchical F1", "Harmonic mean of the two."),
}
_ITSELF = {
    "evenness": Measure(
        "Evenness", "Entropy of the sizes over the most it could be: 1 where all are of one size."
    ),
    "gini": Measure("Gini", "Inequality of the sizes: 0 where all are of one size.", low_is_good=True),
    "shared_documents": Measure(
        "Shared documents",
        "Of a category's documents, the largest share that another category applies to as well, on average.",
        low_is_good=True,
    ),
}

_JUDGE = {name: Measure(title, meaning) for name, title, meaning in judge_measures.worded()}

MEASURES: Mapping[str, Measure] = MappingProxyType(
    _ALL_LABELS | _GOLD | _TRUST | _LABELERS | _STUDENT | _HIERARCHY | _ITSELF | _JUDGE
)
"""By the name of the figure. A figure between two raters is named by them, and says itself what it is."""

FACTS: Mapping[str, str] = MappingProxyType(
    {
        "documents": "Documents",
        "mapped_by": "Documents that categories were mapped by",
        "categories": "Categories",
        "empty_categories": "Categories without documents",
        "gold_classes": "Gold classes",
        "gold_parents": "Gold classes above",
        "size_error": "|log2(categories / gold classes)|",
        "most_shared_pair": "Most shared documents",
        "most_shared": "Share of them",
        "nearest_description": "Cosine to the nearest other description, mean",
        "most_alike_pair": "Most alike descriptions",
        "most_alike": "Their cosine",
        "other_categories": "Categories of the other run",
        "same_names": "Categories of the same name in both",
        "matched_by_documents": "Categories matched one to one by documents",
        "people": "People",
        "agreed": "Documents on which a label has the most votes",
    }
    | judge_measures.FACTS
)
"""Facts by name, in words."""


def title_of(name: str) -> str:
    """A figure's name for people; one between raters is its own."""
    return MEASURES[name].title if name in MEASURES else name[0].upper() + name[1:]
