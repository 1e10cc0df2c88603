"""Purposes and categories that belong to them beyond doubt: what a judge of relevance is tried on."""

from .judge_questions import Item, relevance_item

_PURPOSES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "learn which plants people grow in their gardens",
        (
            ("Roses", "Texts about growing roses."),
            ("Tomatoes", "Texts about growing tomatoes."),
            ("Apple trees", "Texts about growing apple trees."),
            ("Kitchen herbs", "Texts about growing basil, parsley and other herbs."),
        ),
    ),
    (
        "find out why trains are late",
        (
            ("Signal failures", "Trains that waited because a signal did not work."),
            ("Missing drivers", "Trains that could not leave because the driver was absent."),
            ("Track repairs", "Trains that were held up by work on the track."),
            ("Engine faults", "Trains whose engine broke down."),
        ),
    ),
    (
        "see which dishes guests of a restaurant order",
        (
            ("Pizza", "Orders of pizza."),
            ("Soups", "Orders of soup."),
            ("Grilled fish", "Orders of grilled fish."),
            ("Chocolate cake", "Orders of chocolate cake."),
        ),
    ),
    (
        "sort court cases by the crime that is dealt with",
        (
            ("Burglary", "Cases about breaking into a building to steal."),
            ("Tax fraud", "Cases about cheating on taxes."),
            ("Arson", "Cases about setting fire to property."),
            ("Forgery", "Cases about forged documents or signatures."),
        ),
    ),
)

OTHER_USE_CASE = _PURPOSES[0][0]
"""What the categories of a run are held against where the user names nothing else."""


def known_purposes() -> tuple[list[Item], list[Item]]:
    """Items whose answer is yes, and items whose answer is no: each category with the next purpose but its own."""
    yes, no = [], []
    for place, (use_case, categories) in enumerate(_PURPOSES):
        other = _PURPOSES[(place + 1) % len(_PURPOSES)][0]
        for name, description in categories:
            yes.append(relevance_item(use_case, name, description))
            no.append(relevance_item(other, name, description))
    return yes, no
