"""The parser of the judge's answers: a letter as a share of each letter, or nothing."""

from collections.abc import Mapping, Sequence

from .answers import letter_distribution, parse_letter


def read_shares(
    top_logprobs: Sequence[tuple[str, float]], text: str, letters: str
) -> Mapping[str, float] | None:
    """How likely each letter is: by the alternatives of the first token, where none is reported by the text.

    Args:
        top_logprobs: alternatives of the first token; empty where the endpoint reports none.
        text: the answer.
        letters: those that were offered.

    Returns:
        Shares that sum to 1; None where no single letter can be read: that is no judgement.
    """
    try:
        if top_logprobs:
            return letter_distribution(top_logprobs, letters)
        chosen = parse_letter(text, letters)
    except ValueError:
        return None
    return {letter: float(letter == chosen) for letter in letters}
