"""The judge's figures and facts in words; `measures.py` has those of the others, and takes these in."""

from collections.abc import Iterator

_ASKED = {
    "random": ("Label against a random other one", "the assigned label of two"),
    "nearest": ("Label against its nearest sibling", "the assigned label of these two"),
    "listwise": ("Label among all", "the assigned label of all"),
}
_KNOWN = {
    "random": "Random other",
    "nearest": "Nearest sibling",
    "listwise": "Among all",
    "relevance": "Relevance",
}
_RATES = {
    "relevance": ("Relevance", "Share of the categories that the judge calls relevant to the use case."),
    "relevance_elsewhere": (
        "Relevance to another use case",
        "Share of them that it calls relevant to the other use case: how easily it says yes.",
    ),
    "relevance_difference": ("Relevance less that", "What is left once that is taken off."),
}
_CORRECTED = "The same, corrected for the mistakes that the judge makes on items whose answer is known."

FACTS = {
    "judge": "Judge",
    "second_judge": "Other judge",
    "judgements": "Questions answered",
    "tokens": "Tokens",
    "unanswered": "Without a readable answer",
    "unusable": "Unusable for",
    "other_use_case": "Other use case",
}
"""Facts by name."""


def worded() -> Iterator[tuple[str, str, str]]:
    """(name, title, meaning) of every figure of a judge."""
    for kind, (title, choice) in _ASKED.items():
        yield (
            f"label_{kind}",
            title,
            f"Share in which the judge takes {choice}; what it contradicts itself on is left out.",
        )
        yield f"label_{kind}_corrected", f"{title}, corrected", _CORRECTED
        yield f"clear_{kind}", f"{title}: clear", "Share of the answers that say the same in both orders."
    for name, (title, meaning) in _RATES.items():
        yield name, title, meaning
        yield f"{name}_corrected", f"{title}, corrected", _CORRECTED
    yield (
        "span_changes",
        "Changed without the part most like the label",
        "Share of the documents whose label among all is another one once that part is taken out.",
    )
    yield (
        "other_changes",
        "Changed without the part least like it",
        "The same with the part least like the label: what taking out anything does.",
    )
    yield "span_difference", "Difference", "Above 0, labels rest on what is like them."
    for kind, title in _KNOWN.items():
        yield (
            f"{kind}_sensitivity",
            f"{title}: sensitivity",
            "Share of the right ones that it takes for right.",
        )
        yield (
            f"{kind}_specificity",
            f"{title}: specificity",
            "Share of the wrong ones that it does not take for right.",
        )
        yield (
            f"{kind}_youden",
            f"{title}: Youden's index",
            "Both less 1: 0 is chance, 1 is never wrong.",
        )
        yield f"agree_{kind}", f"{title}: agreement", "Share in which both judges say the same."
        yield (
            f"kappa_{kind}",
            f"{title}: Cohen's kappa",
            "Agreement less what chance gives: 0 is chance, 1 is always.",
        )
