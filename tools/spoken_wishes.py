"""What a message's own words ask for beside edits: a limit, a language, an answer, an undo, an end.

`read_wish` gives what the words leave no doubt about; `supports` says whether they bear out what a model has read.
English, but for the names that languages have for themselves.
"""

import re
from collections.abc import Sequence

from ..prompts.plan import AskAction, LiftAction, RerunAction, RuleAction, StepAction
from ..taxonomy.names import one_line
from ..taxonomy.plan import About, Stage
from . import spoken_wish_patterns as told
from .mentions import NUMERALS, Token, tokenise
from .spoken_edits import Kind, Spoken

Wish = AskAction | RuleAction | LiftAction | RerunAction | StepAction


def injects(message: str) -> bool:
    """Whether the message speaks to the model's rules rather than about categories."""
    return told.INJECTS.search(message) is not None


def idles(message: str) -> bool:
    """Whether it asks for a poem, a joke or the like."""
    return told.IDLE.search(message) is not None


def destroys(spoken: Spoken) -> bool:
    """Whether it would have all categories edited at once."""
    return any(
        told.DESTROYS.search(_folded(tokenise(clause.text_in(spoken.message))))
        for clause in spoken.having(Kind.OPEN)
    )


def read_wish(spoken: Spoken) -> Wish | None:
    """What the message asks for beyond edits, where its words leave no doubt."""
    text = _folded(spoken.tokens)
    asks = bool(spoken.having(Kind.QUESTION))
    if not asks:
        lifted = _lift(text)
        if lifted is not None:
            return lifted
        short = len(spoken.tokens) <= 10 and not any(mention.sure is not None for mention in spoken.mentions)
        if short and told.UNDOES.search(text):
            return StepAction(do="undo")
        if short and told.REDOES.search(text) and not _stage(text, asked=True):
            return StepAction(do="redo")
        if told.APPROVES.search(text) and all(token.text in told.AGREES for token in spoken.tokens):
            return StepAction(do="approve")
        if short and told.CONTINUES.search(text):
            return StepAction(do="continue")
        rule = _rule(spoken, text)
        if rule is not None and (rule.most or rule.language or rule.purpose):
            return rule
        if short and told.RERUNS.search(text) and (stage := _stage(text)) is not None:
            return RerunAction(do="rerun", stage=stage)
    return _question(spoken, text) if asks or spoken.message.rstrip().endswith("?") else None


def supports(wish: Wish, spoken: Spoken) -> Wish | None:
    """What is left of a model's reading when only what the words bear out counts; None where that is nothing."""
    text = _folded(spoken.tokens)
    match wish:
        case AskAction():
            asks = bool(spoken.having(Kind.QUESTION)) or spoken.message.rstrip().endswith("?")
            found = _question(spoken, text)
            if found is not None:
                return found
            return _grounded(wish, spoken, text) if asks else None
        case RuleAction():
            if spoken.having(Kind.QUESTION):
                return None
            rule = _rule(spoken, text)
            if rule is None and told.STANDING.search(text):
                rule = RuleAction(do="rule", text=_wished(spoken.message))
            return rule
        case LiftAction():
            return _lift(text)
        case RerunAction():
            stage = _stage(text)
            return (
                RerunAction(do="rerun", stage=stage)
                if stage is not None and told.RERUNS.search(text)
                else None
            )
    if re.search(r"\b(?:not|dont|never|isnt|but|except|before)\b", text) and wish.do == "approve":
        return None
    agreed = wish.do == "approve" and re.fullmatch(r"(?:(?:yes|yep|yeah|sure|please)\W*)+", text)
    pattern = {
        "undo": told.UNDOES,
        "redo": told.REDOES,
        "approve": told.APPROVES,
        "continue": told.CONTINUES,
    }[wish.do]
    return wish if agreed or pattern.search(text) else None


def _folded(tokens: Sequence[Token]) -> str:
    return " ".join(token.text for token in tokens)


def _wished(message: str) -> str:
    """The wish in the user's words, without what is only polite."""
    clean = re.sub(
        r"^(?:please|pls|ok(?:ay)?|hi|hello)[\s,]+|[\s,]*(?:please|pls|thanks|thank you)?[\s.!]*$",
        "",
        one_line(message),
        flags=re.IGNORECASE,
    )
    return clean[:300] or one_line(message)[:300]


def _rule(spoken: Spoken, text: str) -> RuleAction | None:
    most = 0
    for pattern in told.MOST:
        found = pattern.search(text)
        if found is not None and not any(
            mention.sure is not None and not mention.is_number for mention in spoken.mentions
        ):
            value = int(found["n"]) if found["n"].isdigit() else NUMERALS[found["n"]]
            most = max(0, value - 1 if found["less"] else value)
            break
    tongue = told.LANGUAGE.search(text)
    language = told.LANGUAGES[tongue["a"] or tongue["b"]] if tongue else ""
    purpose = (
        not spoken.edits
        and not any(mention.sure is not None for mention in spoken.mentions)
        and bool(told.PURPOSE.search(text))
    )
    if not (most or language or purpose):
        return None
    return RuleAction(do="rule", text=_wished(spoken.message), most=most, language=language, purpose=purpose)


def _lift(text: str) -> LiftAction | None:
    if not told.LIFTS.search(text) or re.search(r"\b(?:your|previous|prior|system)\b", text):
        return None
    number = told.LIFTED.search(text)
    if number is not None:
        return LiftAction(
            do="lift", rule=int(number[1]) if number[1] else ("first", "second", "third").index(number[2]) + 1
        )
    return LiftAction(do="lift", rule=0) if re.search(r"\ball\b", text) else None


def _stage(text: str, *, asked: bool = False) -> Stage | None:
    found = [stage for stage, pattern in told.STAGES if pattern.search(text)]
    return found[0] if found and (not asked or found[0] is not Stage.LOOP) else None


def _question(spoken: Spoken, text: str) -> AskAction | None:
    """The question, where a word says what it is about."""
    sure = list(dict.fromkeys(mention.sure + 1 for mention in spoken.mentions if mention.sure is not None))
    for about, pattern in told.ABOUT:
        if not pattern.search(text):
            continue
        if (
            about is About.OVERLAP
            and "difference between" in text
            and len(sure) < 2
            and "overlap" not in text
        ):
            continue
        if about is About.WHY and (document := _document(spoken.message)):
            return AskAction(do="ask", about=about, text=document)
        if about is About.WHY:
            continue
        sought = told.SOUGHT.search(one_line(spoken.message).rstrip(" ?!."))
        if about in {About.TEXTS, About.NEAR} and not sure and sought is not None:
            words = told.SOMETHING.sub("", sought["text"]).strip(" \"'“”")
            if words:
                return AskAction(do="ask", about=About.NEAR, text=words, count=_amount(text))
        if about is About.NEAR:
            continue
        pronoun = re.search(r"\b(?:it|that one|this one|in there|of that|of this)\b", text) is not None
        if not sure and pronoun and len(spoken.meant) == 1:
            sure = list(spoken.meant)
        category = sure[0] if len(sure) == 1 and about in {About.COUNT, About.TEXTS, About.OVERLAP} else 0
        return AskAction(
            do="ask", about=about, category=category, count=_amount(text) if about is About.TEXTS else 0
        )
    return None


def _grounded(wish: AskAction, spoken: Spoken, text: str) -> AskAction | None:
    """A model's question without what the message does not say."""
    known = {mention.sure + 1 for mention in spoken.mentions if mention.sure is not None} | set(spoken.meant)
    stands = wish.text and wish.text.lower() in spoken.message.lower()
    about = wish.about
    if wish.category not in known and not (about is About.NEAR and stands):
        return None
    if about is About.WHY or (about is About.NEAR and not stands):
        about = About.TEXTS
    return AskAction(
        do="ask",
        about=about,
        category=wish.category if wish.category in known else 0,
        text=wish.text if about is About.NEAR else "",
        count=_amount(text),
    )


def _document(message: str) -> str:
    found = told.DOCUMENT.search(message)
    return next((group for group in found.groups() if group), "").rstrip(".:?") if found else ""


def _amount(text: str) -> int:
    found = told.HOW_MANY.search(text)
    if found is None:
        return 0
    return min(100, int(found["n"]) if found["n"].isdigit() else NUMERALS[found["n"]])
