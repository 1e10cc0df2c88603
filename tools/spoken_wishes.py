"""What a message's own words ask for beside edits: a limit, a language, an answer, an undo, an end.

`read_wish` gives what the words leave no doubt about; `supports` says whether they bear out what a model has read.
English, but for the names that languages have for themselves.
"""

import re
from collections.abc import Sequence
from typing import Final

from ..prompts.plan import AskAction, LiftAction, RerunAction, RuleAction, StepAction
from ..taxonomy.names import one_line
from ..taxonomy.plan import About, Stage
from .mentions import NUMERALS, Token, tokenise, words_in
from .spoken_edits import Kind, Spoken

Wish = AskAction | RuleAction | LiftAction | RerunAction | StepAction

_LANGUAGES: Final = {
    name: language
    for language, names in {
        "Arabic": "arabic",
        "Bulgarian": "bulgarian",
        "Catalan": "catalan català catala",
        "Chinese": "chinese mandarin 中文",
        "Croatian": "croatian hrvatski",
        "Czech": "czech čeština česky",
        "Danish": "danish dansk",
        "Dutch": "dutch nederlands",
        "English": "english anglais englisch",
        "Estonian": "estonian eesti",
        "Finnish": "finnish suomi suomeksi",
        "French": "french français francais französisch",
        "German": "german deutsch",
        "Greek": "greek ελληνικά",
        "Hebrew": "hebrew עברית",
        "Hindi": "hindi हिन्दी",
        "Hungarian": "hungarian magyar magyarul",
        "Indonesian": "indonesian",
        "Italian": "italian italiano",
        "Japanese": "japanese 日本語",
        "Korean": "korean 한국어",
        "Latvian": "latvian",
        "Lithuanian": "lithuanian",
        "Norwegian": "norwegian norsk",
        "Persian": "persian farsi",
        "Polish": "polish polski polsku",
        "Portuguese": "portuguese português portugues",
        "Romanian": "romanian română",
        "Russian": "russian русский",
        "Serbian": "serbian srpski",
        "Slovak": "slovak slovenčina",
        "Slovenian": "slovenian slovenščina",
        "Spanish": "spanish español espanol castellano",
        "Swedish": "swedish svenska",
        "Thai": "thai",
        "Turkish": "turkish türkçe",
        "Ukrainian": "ukrainian українська",
        "Vietnamese": "vietnamese",
    }.items()
    for name in names.split()
}
_N: Final = rf"(?P<n>\d{{1,3}}|{'|'.join(NUMERALS)})\b"
_KINDS: Final = r"(?:categor(?:y|ies)|topics?|labels?|groups?|classes|themes?|buckets?|of them|in total|overall)"
_NO_SIZE: Final = r"(?!\s?(?:words?|letters?|characters?|examples?|texts?|messages?|documents?|parts?|sentences?|levels?|%))"
_MOST: Final = (
    re.compile(
        rf"\b(?P<less>)(?:at (?:the )?most|max(?:imum)?(?: of)?|(?:no|not|never) more than|limit(?:ed)?(?: \w+){{0,5}} to|"
        rf"keep (?:it|them|the list|the taxonomy|the number)(?: \w+){{0,3}} (?:to|at|within)|(?:reduce|cut|shrink|bring|get|"
        rf"trim|narrow|boil)(?: \w+){{0,4}} (?:down )?to|go down to|no higher than|cap (?:\w+ ){{0,4}}(?:at|to))\s(?:about )?{_N}{_NO_SIZE}"
    ),
    re.compile(rf"\b(?P<less>(?:fewer|less) than|under|below)\s{_N}\s?{_KINDS}"),
    re.compile(
        rf"\b(?P<less>)(?:up to|only(?: \w+)?|want|need|like|exactly|about|around|roughly|make|give me|have|to|just|no)\s{_N}"
        rf"\s?(?:\w+ )?{_KINDS}"
    ),
    re.compile(
        rf"\b(?P<less>){_N}\s?(?:{_KINDS} )?(?:max\b|maximum|at (?:the )?most|tops|or (?:fewer|less)|(?:is|are|would be|should be) "
        rf"(?:enough|plenty|the (?:limit|maximum|max))|suffice)"
    ),
)
_TONGUES: Final = "|".join(sorted(map(re.escape, _LANGUAGES), key=len, reverse=True))
_LANGUAGE: Final = re.compile(
    rf"\b(?:in|into|to|auf|en|use|using|speak|på|em|po|na|prefer|want)\s(?:the\s)?(?P<a>{_TONGUES})(?![^\W_])|"
    rf"\b(?P<b>{_TONGUES})\s(?:names?|labels?|titles?|descriptions?|words|only|please|instead|language|version)\b"
)
_PURPOSE: Final = re.compile(
    r"\b(?:sort|group|organi[sz]e|order|classify|categori[sz]e|cluster|arrange|divide|split|separate|structure|distinguish|"
    r"bucket|label|file|tell)\b[^.?!]*\bby\b|"
    r"\b(?:categories|topics|list|taxonomy|labels|them|it|everything|texts|messages)\s(?:should be |to be |must be )?by\b|"
    r"\bby\s[^.?!]*?\b(?:not|rather than|instead of|and not)\s(?:by\s)?|\bfocus(?:ing)?\s(?:more\s)?(?:up)?on\b|"
    r"\b(?:what|all that) (?:matters|counts|i care about)\b|\b(?:only|mainly) (?:care|interested)\b|"
    r"\b(?:according to|based on|depending on)\b"
)
_STANDING: Final = re.compile(
    r"\b(?:always|never|from now on|in (?:the )?future|for all|every|all)\b.*\b(?:names?|titles?|descriptions?|categor(?:y|ies)|labels?|topics?)\b|"
    r"\b(?:names?|titles?|descriptions?|labels?|wording|categories|topics)\b.*\b(?:should|must|shorter|longer|short|simple|"
    r"simpler|plain|formal|lower ?case|upper ?case|words|sentence|singular|plural)\b|"
    r"\b(?:shorter|longer|short|simpler|clearer|fewer|more|broader|finer|coarser|use|keep|avoid|prefer|no)\b[^.?!]*"
    r"\b(?:names?|titles?|descriptions?|categor(?:y|ies)|labels?|topics?|list)\b|\b(?:always|never|from now on|avoid|ignore)\b"
)

_APPROVES: Final = re.compile(
    r"\b(?:approved?|accept(?:ed)?|looks? (?:\w+ )?(?:good|great|fine|perfect|right|nice|ok|okay)|perfect|lgtm|ship it|"
    r"go(?:ing)? with (?:this|it|that|these)|happy with|good to go|finali[sz]e|(?:i |we )?(?:really )?(?:like|love) it|thats it|all good|"
    r"(?:lets |we )?(?:use|take|keep) (?:this|it)(?: one| list| as it is| like this)?|go ahead|(?:were|we are|im|i am|all) done|works for (?:me|us)|"
    r"start (?:the )?(?:labell?ing|classifying|training)|label (?:the texts|everything|them|the rest)|as it is|"
    r"thats (?:good|fine|great|perfect|right)|(?:its|it is|this is|all is|everything is|that is) (?:good|fine|great|perfect|right|ok|okay)|good enough|"
    r"nothing (?:more |else )?to change|no (?:more|further) changes)\b|👍|✅"
)
_AGREES: Final = words_in(
    """
    perfect lets let us go with this one these looks look good great lgtm ok okay yes yeah yep approve approved accept
    accepted it its that thats is are fine i we like love am im were happy the list taxonomy categories all done finished
    ready ship use take can you now ahead please thanks thank start labelling labeling classify classifying train training
    and label texts them everything very really nice excellent wonderful awesome sounds right correct keep as be to so well
    works for me job final finalize finalise a alright cool super enough just do pls rest nothing more else change no
    changes further like proceed
    """
) | {"👍", "✅", ",", ".", "!", "-", ":", ")", "them"}
_UNDOES: Final = re.compile(
    r"\b(?:undo|revert|roll(?: that| it)? ?back|take (?:that|it|this|the last (?:one|change))(?: \w+)? back|take back|go back\b(?! to the top)|"
    r"back to (?:how|what|the way) it was|as it was before|reverse (?:that|it|this|the last)|put it back (?:how|the way|as)|"
    r"(?:cancel|scratch) (?:that|the last)|restore (?:the )?(?:previous|last|old)|previous version|that was wrong|that was a mistake)\b"
)
_REDOES: Final = re.compile(r"\b(?:redo|un-?undo|reapply|bring (?:it|that) back|do (?:it|that) again|put it back(?! (?:how|the way|as))|undo the undo)\b")
_CONTINUES: Final = re.compile(
    r"\b(?:continue|keep (?:going|reading|building)|carry on|go on|proceed|resume|read (?:some |a few )?more|more (?:texts|messages|documents|batches|rounds) first|"
    r"next (?:batch|round|minibatch)|(?:another|one more|a few more|some more|more) (?:batch|batches|round|rounds|pass|passes|texts|minibatch))\b"
)
_RERUNS: Final = re.compile(
    r"\b(?:re-?run|run|start|do|redo|repeat|make|read|build|begin|review|polish|summari[sz]e)\b.*\b(?:again|anew|over|from scratch|"
    r"once more|afresh|from the (?:start|beginning))\b|\b(?:re-?run|redo|repeat|rebuild|start over|from scratch|another review)\b"
)
_STAGES: Final = (
    (Stage.REVIEW, re.compile(r"\b(?:review|polish|reviewer)\b")),
    (Stage.SUBJECTS, re.compile(r"\b(?:subjects?|phrases?|summar\w+|read (?:all )?(?:the )?(?:texts|messages|documents))\b")),
    (Stage.LOOP, re.compile(r"\b(?:loop|scratch|start over|build|taxonomy|categories|everything|list|minibatch\w*|run|over)\b")),
)
_LIFTS: Final = re.compile(
    r"\b(?:forget|drop|remove|lift|cancel|delete|discard|no longer|stop|get rid of|take back|undo|ignore)\b[^.?!]*"
    r"\b(?:instructions?|rules?|limits?|constraints?|wish(?:es)?|restrictions?)\b"
)
_LIFTED: Final = re.compile(r"\b(?:instructions?|rules?|limits?|constraints?|wish(?:es)?|restrictions?)\s(?:number |no |# ?)?(\d{1,2})\b|\b(first|second|third)\s(?:instruction|rule|constraint|wish)")

_ABOUT: Final = (
    (About.WHY, re.compile(r"\b(?:why|how come)\b.*\b(?:in|under|labell?ed|here|there|category|put|placed|belong|belongs|not|undefined)\b")),
    (
        About.OVERLAP,
        re.compile(
            r"\b(?:overlap\w*|alike|confus\w+|hard(?:est)? to (?:tell|distinguish)|tell apart|duplicates?|redundant|redundan\w+|"
            r"too close|closest|(?:most|too|very) similar|similar (?:categories|topics|to each other)|"
            r"(?:should|could|can|would|shall|to|worth|about|of)\b.*\bmerg\w+|merg\w+.*\b(?:sense|idea|help)|difference between)\b"
        ),
    ),
    (
        About.COUNT,
        re.compile(
            r"\b(?:how (?:many|much|big|large|often|frequent|common)|number of|count|share|percent(?:age)?|proportion|size of|sizes|"
            r"biggest|largest|smallest|most (?:common|frequent)|fraction)\b"
        ),
    ),
    (
        About.DIFFERENCE,
        re.compile(
            r"\b(?:what(?: has|s| have you| did you| did (?:that|it|we|i))? (?:just )?(?:changed?|done|do)|changes|diff|difference|whats new|"
            r"compared? (?:to|with)|since (?:the )?last)\b"
        ),
    ),
    (About.INSTRUCTIONS, re.compile(r"\b(?:my |the |standing )?(?:instructions|rules|constraints|wishes|limits)\b")),
    (
        About.TEXTS,
        re.compile(
            r"\b(?:examples?|samples?|members)\b|\b(?:show|see|give|read|list|which|what(?: kind of)?|some|few|get)\b[^.?!]*\b(?:texts|messages|documents|docs|tickets)\b|"
            r"\bwhats in\b|\bwhat (?:is|goes|belongs|falls) (?:in|into|under)\b|\bwhat does\b.*\b(?:contain|cover|look like|mean|include|have)\b"
        ),
    ),
    (About.NEAR, re.compile(r"\b(?:find|search|look for|anything (?:about|on|like)|similar to|close to|nearest|like this|mention\w*)\b")),
    (About.HELP, re.compile(r"\b(?:help|what can (?:you|i|we)|how do i|how can i|how does (?:this|it) work|commands|possible)\b")),
    (
        About.TAXONOMY,
        re.compile(r"\b(?:list|show|see|what|which|print|give)\b.*\b(?:categories|taxonomy|list|topics|labels|them all|so far)\b"),
    ),
)
_SOUGHT: Final = re.compile(
    r"\b(?:find|search(?:ing)?(?: for)?|look(?:ing)? for|anything (?:about|on|like)|(?:texts?|messages?|documents?|docs|examples?|ones|tickets) "
    r"(?:about|like|mentioning|that mention|with|similar to|near|close to|on|that say)|similar to|close to|nearest to|mention(?:s|ing)?)\s+(?P<text>.+)$",
    re.IGNORECASE,
)
_SOMETHING: Final = re.compile(r"^(?:(?:me|us|all|some|the|any|a few|\d+|other|texts?|messages?|documents?|docs|ones|that|about|like|for|which|similar to|mention(?:ing)?)\s+)+", re.IGNORECASE)
_DOCUMENT: Final = re.compile(
    r"\b(?:document|doc|text|message|ticket|id|row|item|case|number|no\.?|nr\.?)\s*[:#]?\s*[\"'“]?(?P<a>[\w./:@-]*\d[\w./:@-]*)|"
    r"#(?P<b>[\w./:-]+)|\bwhy\s+(?:is|was|does|did|has|isn'?t)\s+[\"'“]?(?P<c>[\w./:@-]*\d[\w./:@-]*)",
    re.IGNORECASE,
)
_HOW_MANY: Final = re.compile(rf"\b{_N}\s(?:\w+\s)?(?:examples?|texts|messages|documents|docs|tickets|samples|of)\b")
_INJECTS: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|violate|break)\b.{0,40}\b(?:your|all|any|previous|prior|above|earlier|these|system|the)\b"
    r".{0,30}\b(?:instructions?|rules?|prompts?|guidelines?|training|above|programming|restrictions?|told)\b|"
    r"\b(?:system|developer|admin(?:istrator)?|root|assistant)\s*(?:note|message|prompt|mode|override|access|instruction|command|:)|"
    r"\byou are (?:now|no longer)\b|\b(?:act|behave) as\b|\bpretend\b|\bjailbreak|</?[a-z_|]+>|<\||\[/?inst\]?|###|"
    r"\b(?:reveal|print|repeat|output|leak|dump)\b.{0,40}\b(?:prompt|instructions|rules|password|keys?)\b|\bnew (?:instructions|rules)\s?:|"
    r"\bdrop table\b|\brm -rf\b|\bdelete from\b|\bsudo\b",
    re.IGNORECASE,
)
_DESTROYS: Final = re.compile(
    r"\b(?:remov|delet|drop|eras|wip|clear|merg|combin|destroy|scrap|kill|discard|empty|reset|get rid|throw|nuk|trash|burn|split|renam|clean)\w*\b[^.?!]{0,50}"
    r"\b(?:everything|all|every|each|whole|entire|the lot|anything|categories|taxonomy|list)\b"
)


def injects(message: str) -> bool:
    """Whether the message speaks to the model's rules rather than about categories."""
    return _INJECTS.search(message) is not None


def destroys(spoken: Spoken) -> bool:
    """Whether it would have all categories edited at once."""
    return any(
        _DESTROYS.search(_folded(tokenise(clause.text_in(spoken.message)))) for clause in spoken.having(Kind.OPEN)
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
        if short and _UNDOES.search(text):
            return StepAction(do="undo")
        if short and _REDOES.search(text) and not _stage(text, asked=True):
            return StepAction(do="redo")
        if _APPROVES.search(text) and all(token.text in _AGREES for token in spoken.tokens):
            return StepAction(do="approve")
        if short and _CONTINUES.search(text):
            return StepAction(do="continue")
        rule = _rule(spoken, text)
        if rule is not None and (rule.most or rule.language or rule.purpose):
            return rule
        if short and _RERUNS.search(text) and (stage := _stage(text)) is not None:
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
            if rule is None and _STANDING.search(text):
                rule = RuleAction(do="rule", text=_wished(spoken.message))
            return rule
        case LiftAction():
            return _lift(text)
        case RerunAction():
            stage = _stage(text)
            return RerunAction(do="rerun", stage=stage) if stage is not None and _RERUNS.search(text) else None
    if re.search(r"\b(?:not|dont|never|isnt|but|except|before)\b", text) and wish.do == "approve":
        return None
    agreed = wish.do == "approve" and re.fullmatch(r"(?:(?:yes|yep|yeah|sure|please)\W*)+", text)
    pattern = {"undo": _UNDOES, "redo": _REDOES, "approve": _APPROVES, "continue": _CONTINUES}[wish.do]
    return wish if agreed or pattern.search(text) else None


def _folded(tokens: Sequence[Token]) -> str:
    return " ".join(token.text for token in tokens)


def _wished(message: str) -> str:
    """The wish in the user's words, without what is only polite."""
    clean = re.sub(r"^(?:please|pls|ok(?:ay)?|hi|hello)[\s,]+|[\s,]*(?:please|pls|thanks|thank you)?[\s.!]*$", "", one_line(message), flags=re.IGNORECASE)
    return clean[:300] or one_line(message)[:300]


def _rule(spoken: Spoken, text: str) -> RuleAction | None:
    most = 0
    for pattern in _MOST:
        found = pattern.search(text)
        if found is not None and not any(mention.sure is not None and not mention.is_number for mention in spoken.mentions):
            value = int(found["n"]) if found["n"].isdigit() else NUMERALS[found["n"]]
            most = max(0, value - 1 if found["less"] else value)
            break
    tongue = _LANGUAGE.search(text)
    language = _LANGUAGES[tongue["a"] or tongue["b"]] if tongue else ""
    purpose = not spoken.edits and not any(mention.sure is not None for mention in spoken.mentions) and bool(_PURPOSE.search(text))
    if not (most or language or purpose):
        return None
    return RuleAction(do="rule", text=_wished(spoken.message), most=most, language=language, purpose=purpose)


def _lift(text: str) -> LiftAction | None:
    if not _LIFTS.search(text) or re.search(r"\b(?:your|previous|prior|system)\b", text):
        return None
    number = _LIFTED.search(text)
    if number is not None:
        return LiftAction(do="lift", rule=int(number[1]) if number[1] else ("first", "second", "third").index(number[2]) + 1)
    return LiftAction(do="lift", rule=0) if re.search(r"\ball\b", text) else None


def _stage(text: str, *, asked: bool = False) -> Stage | None:
    found = [stage for stage, pattern in _STAGES if pattern.search(text)]
    return found[0] if found and (not asked or found[0] is not Stage.LOOP) else None


def _question(spoken: Spoken, text: str) -> AskAction | None:
    """The question, where a word says what it is about."""
    sure = list(dict.fromkeys(mention.sure + 1 for mention in spoken.mentions if mention.sure is not None))
    for about, pattern in _ABOUT:
        if not pattern.search(text):
            continue
        if about is About.OVERLAP and "difference between" in text and len(sure) < 2 and "overlap" not in text:
            continue
        if about is About.WHY and (document := _document(spoken.message)):
            return AskAction(do="ask", about=about, text=document)
        if about is About.WHY:
            continue
        sought = _SOUGHT.search(one_line(spoken.message).rstrip(" ?!."))
        if about in {About.TEXTS, About.NEAR} and not sure and sought is not None:
            words = _SOMETHING.sub("", sought["text"]).strip(" \"'“”")
            if words:
                return AskAction(do="ask", about=About.NEAR, text=words, count=_amount(text))
        if about is About.NEAR:
            continue
        pronoun = re.search(r"\b(?:it|that one|this one|in there|of that|of this)\b", text) is not None
        if not sure and pronoun and len(spoken.meant) == 1:
            sure = list(spoken.meant)
        category = sure[0] if len(sure) == 1 and about in {About.COUNT, About.TEXTS, About.OVERLAP} else 0
        return AskAction(do="ask", about=about, category=category, count=_amount(text) if about is About.TEXTS else 0)
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
    found = _DOCUMENT.search(message)
    return next((group for group in found.groups() if group), "").rstrip(".:?") if found else ""


def _amount(text: str) -> int:
    found = _HOW_MANY.search(text)
    if found is None:
        return 0
    return min(100, int(found["n"]) if found["n"].isdigit() else NUMERALS[found["n"]])
