"""The summarizer: for every text of the sample a use-case phrase, and a summary where the text is long."""

from collections.abc import Sequence

from langgraph.runtime import Runtime

from ..checkpoints.phrases import Phrase
from ..llm.request import Request
from ..prompts.answers import parse_phrase, parse_summary
from ..prompts.prompt import load_prompt
from ..prompts.quoting import count_words, quote
from ..taxonomy.document import Document
from ..taxonomy.errors import AnswerError, CallError
from .context import Context
from .state import LOOP, SUMMARIZE, State

STAGE = "summarize"


def summarizer(state: State, runtime: Runtime[Context]) -> State:
    """Read one slice of the sample's documents that have no phrase yet; each answer is kept as it arrives."""
    done, left = read_slice(runtime.context, runtime.context.reading.sample)
    return {"phase": SUMMARIZE if left else LOOP, "counts": {"read": done}}


def read_slice(context: Context, numbers: Sequence[int]) -> tuple[int, int]:
    """Read one slice of those of the documents that have no phrase yet.

    Returns:
        how many of them have one now, and how many do not.
    """
    reading, phrases = context.reading, context.workspace.phrases
    missing = phrases.missing(reading.purpose, numbers)
    done = len(numbers) - len(missing)
    context.report(STAGE, done, len(numbers))
    documents = context.workspace.documents.get(missing[: context.settings.slice])
    for is_long in (False, True):
        # One prompt after the other: calls in a row share the prefix that the endpoint has cached.
        part = [document for document in documents if _is_long(document, context) == is_long]
        requests = [_request(document, context, is_long=is_long) for document in part]
        parser = _read_summary if is_long else _read_phrase
        for row, phrase in context.chat.parse_all(requests, parser):
            if isinstance(phrase, (CallError, AnswerError)):
                context.fail(STAGE, part[row].number, phrase)
                # The text speaks for itself: it is neither lost nor asked about for ever.
                phrase = Phrase("", None)
            phrases.put_many(reading.purpose, {part[row].number: phrase})
            done += 1
            context.report(STAGE, done, len(numbers))
    return done, len(numbers) - done


def _is_long(document: Document, context: Context) -> bool:
    limit = context.settings.max_words
    return count_words(document.text, limit) > limit


def _request(document: Document, context: Context, *, is_long: bool) -> Request:
    settings = context.reading.settings
    words = (settings.read_words or settings.max_words) if is_long else settings.max_words
    messages = load_prompt("summary" if is_long else "phrase").render(
        use_case=settings.use_case, language=settings.language, text=quote(document.text, words)
    )
    return Request(STAGE, messages, max_tokens=100 if is_long else 24)


def _read_phrase(text: str) -> Phrase:
    return Phrase(parse_phrase(text))


def _read_summary(text: str) -> Phrase:
    phrase, summary = parse_summary(text)
    return Phrase(phrase, summary)
