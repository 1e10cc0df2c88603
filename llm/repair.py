"""The one question that follows an answer that could not be read."""

from .answer import Answer
from .request import Request

_SHOWN = 2000
"""Characters of the bad answer that are shown back: an endless one would fill the context."""


def repair_request(request: Request, answer: Answer, error: Exception) -> Request:
    """The request again, with the bad answer and what is wrong with it.

    A cut answer gets twice the room, for it may only have lacked that.
    """
    text = answer.text if len(answer.text) <= _SHOWN else f"{answer.text[:_SHOWN]} ..."
    reason = " ".join(str(error).split())[:600]
    wanted = "Answer again, shorter and complete" if answer.was_cut else "Answer again, corrected"
    form = " as one JSON object" if request.schema is not None else " in the form asked for"
    return request.followed_by(
        ("assistant", text),
        ("user", f"That answer cannot be used: {reason}\n{wanted},{form}, with nothing before or after it."),
        max_tokens=request.max_tokens * 2 if answer.was_cut else request.max_tokens,
    )
