"""How people put what they want beside edits: the words and patterns that `spoken_wishes` reads by.

They see a message folded: small letters, no apostrophes, a blank between words and marks; those that take the user's
own words from it (`SOUGHT`, `DOCUMENT`) see it as typed. English, but for the names that languages have for themselves.
"""
# ruff: noqa: E501  # a pattern stays on its line

import re
from typing import Final

from ..taxonomy.plan import About, Stage
from .mentions import NUMERALS, words_in

LANGUAGES: Final = {
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
_KINDS: Final = (
    r"(?:categor(?:y|ies)|topics?|labels?|groups?|classes|themes?|buckets?|of them|in total|overall)"
)
_NO_SIZE: Final = r"(?!\s?(?:words?|letters?|characters?|examples?|texts?|messages?|documents?|parts?|sentences?|levels?|%))"
MOST: Final = (
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
_TONGUES: Final = "|".join(sorted(map(re.escape, LANGUAGES), key=len, reverse=True))
LANGUAGE: Final = re.compile(
    rf"\b(?:in|into|to|auf|en|use|using|speak|på|em|po|na|prefer|want)\s(?:the\s)?(?P<a>{_TONGUES})(?![^\W_])|"
    rf"\b(?P<b>{_TONGUES})\s(?:names?|labels?|titles?|descriptions?|words|only|please|instead|language|version)\b"
)
PURPOSE: Final = re.compile(
    r"\b(?:sort|group|organi[sz]e|order|classify|categori[sz]e|cluster|arrange|divide|split|separate|structure|distinguish|"
    r"bucket|label|file|tell)\b[^.?!]*\bby\b|"
    r"\b(?:categories|topics|list|taxonomy|labels|them|it|everything|texts|messages)\s(?:should be |to be |must be )?by\b|"
    r"\bby\s[^.?!]*?\b(?:not|rather than|instead of|and not)\s(?:by\s)?|\bfocus(?:ing)?\s(?:more\s)?(?:up)?on\b|"
    r"\b(?:what|all that) (?:matters|counts|i care about)\b|\b(?:only|mainly) (?:care|interested)\b|"
    r"\b(?:according to|based on|depending on)\b"
)
STANDING: Final = re.compile(
    r"\b(?:always|never|from now on|in (?:the )?future|for all|every|all)\b.*\b(?:names?|titles?|descriptions?|categor(?:y|ies)|labels?|topics?)\b|"
    r"\b(?:names?|titles?|descriptions?|labels?|wording|categories|topics)\b.*\b(?:should|must|shorter|longer|short|simple|"
    r"simpler|plain|formal|lower ?case|upper ?case|words|sentence|singular|plural)\b|"
    r"\b(?:shorter|longer|short|simpler|clearer|fewer|more|broader|finer|coarser|use|keep|avoid|prefer|no)\b[^.?!]*"
    r"\b(?:names?|titles?|descriptions?|categor(?:y|ies)|labels?|topics?|list)\b|\b(?:always|never|from now on|avoid|ignore)\b"
)

APPROVES: Final = re.compile(
    r"\b(?:approved?|accept(?:ed)?|looks? (?:\w+ )?(?:good|great|fine|perfect|right|nice|ok|okay)|perfect|lgtm|ship it|"
    r"go(?:ing)? with (?:this|it|that|these)|happy with|good to go|finali[sz]e|(?:i |we )?(?:really )?(?:like|love) it|thats it|all good|"
    r"(?:lets |we )?(?:use|take|keep) (?:this|it)(?: one| list| as it is| like this)?|go ahead|(?:were|we are|im|i am|all) done|works for (?:me|us)|"
    r"start (?:the )?(?:labell?ing|classifying|training)|label (?:the texts|everything|them|the rest)|as it is|"
    r"thats (?:good|fine|great|perfect|right)|(?:its|it is|this is|all is|everything is|that is) (?:good|fine|great|perfect|right|ok|okay)|good enough|"
    r"nothing (?:more |else )?to change|no (?:more|further) changes)\b|👍|✅"
)
AGREES: Final = words_in(
    """
    perfect lets let us go with this one these looks look good great lgtm ok okay yes yeah yep approve approved accept
    accepted it its that thats is are fine i we like love am im were happy the list taxonomy categories all done finished
    ready ship use take can you now ahead please thanks thank start labelling labeling classify classifying train training
    and label texts them everything very really nice excellent wonderful awesome sounds right correct keep as be to so well
    works for me job final finalize finalise a alright cool super enough just do pls rest nothing more else change no
    changes further like proceed
    """
) | {"👍", "✅", ",", ".", "!", "-", ":", ")", "them"}
UNDOES: Final = re.compile(
    r"\b(?:undo|revert|roll(?: that| it)? ?back|take (?:that|it|this|the last (?:one|change))(?: \w+)? back|take back|go back\b(?! to the top)|"
    r"back to (?:how|what|the way) it was|as it was before|reverse (?:that|it|this|the last)|put it back (?:how|the way|as)|"
    r"(?:cancel|scratch) (?:that|the last)|restore (?:the )?(?:previous|last|old)|previous version|that was wrong|that was a mistake)\b"
)
REDOES: Final = re.compile(
    r"\b(?:redo|un-?undo|reapply|bring (?:it|that) back|do (?:it|that) again|put it back(?! (?:how|the way|as))|undo the undo)\b"
)
CONTINUES: Final = re.compile(
    r"\b(?:continue|keep (?:going|reading|building)|carry on|go on|proceed|resume|read (?:some |a few )?more|more (?:texts|messages|documents|batches|rounds) first|"
    r"next (?:batch|round|minibatch)|(?:another|one more|a few more|some more|more) (?:batch|batches|round|rounds|pass|passes|texts|minibatch))\b"
)
RERUNS: Final = re.compile(
    r"\b(?:re-?run|run|start|do|redo|repeat|make|read|build|begin|review|polish|summari[sz]e)\b.*\b(?:again|anew|over|from scratch|"
    r"once more|afresh|from the (?:start|beginning))\b|\b(?:re-?run|redo|repeat|rebuild|start over|from scratch|another review)\b"
)
STAGES: Final = (
    (Stage.REVIEW, re.compile(r"\b(?:review|polish|reviewer)\b")),
    (
        Stage.SUBJECTS,
        re.compile(
            r"\b(?:subjects?|phrases?|summar\w+|read (?:all )?(?:the )?(?:texts|messages|documents))\b"
        ),
    ),
    (
        Stage.LOOP,
        re.compile(
            r"\b(?:loop|scratch|start over|build|taxonomy|categories|everything|list|minibatch\w*|run|over)\b"
        ),
    ),
)
LIFTS: Final = re.compile(
    r"\b(?:forget|drop|remove|lift|cancel|delete|discard|no longer|stop|get rid of|take back|undo|ignore)\b[^.?!]*"
    r"\b(?:instructions?|rules?|limits?|constraints?|wish(?:es)?|restrictions?)\b"
)
LIFTED: Final = re.compile(
    r"\b(?:instructions?|rules?|limits?|constraints?|wish(?:es)?|restrictions?)\s(?:number |no |# ?)?(\d{1,2})\b|\b(first|second|third)\s(?:instruction|rule|constraint|wish)"
)

ABOUT: Final = (
    (
        About.WHY,
        re.compile(
            r"\b(?:why|how come)\b.*\b(?:in|under|labell?ed|here|there|category|put|placed|belong|belongs|not|undefined)\b"
        ),
    ),
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
    (
        About.INSTRUCTIONS,
        re.compile(r"\b(?:my |the |standing )?(?:instructions|rules|constraints|wishes|limits)\b"),
    ),
    (
        About.TEXTS,
        re.compile(
            r"\b(?:examples?|samples?|members)\b|\b(?:show|see|give|read|list|which|what(?: kind of)?|some|few|get)\b[^.?!]*\b(?:texts|messages|documents|docs|tickets)\b|"
            r"\bwhats in\b|\bwhat (?:is|goes|belongs|falls) (?:in|into|under)\b|\bwhat does\b.*\b(?:contain|cover|look like|mean|include|have)\b"
        ),
    ),
    (
        About.NEAR,
        re.compile(
            r"\b(?:find|search|look for|anything (?:about|on|like)|similar to|close to|nearest|like this|mention\w*)\b"
        ),
    ),
    (
        About.HELP,
        re.compile(
            r"\b(?:help|what can (?:you|i|we)|how do i|how can i|how does (?:this|it) work|commands|possible)\b"
        ),
    ),
    (
        About.TAXONOMY,
        re.compile(
            r"\b(?:list|show|see|what|which|print|give)\b.*\b(?:categories|taxonomy|list|topics|labels|them all|so far)\b"
        ),
    ),
)
SOUGHT: Final = re.compile(
    r"\b(?:find|search(?:ing)?(?: for)?|look(?:ing)? for|anything (?:about|on|like)|(?:texts?|messages?|documents?|docs|examples?|ones|tickets) "
    r"(?:about|like|mentioning|that mention|with|similar to|near|close to|on|that say)|similar to|close to|nearest to|mention(?:s|ing)?)\s+(?P<text>.+)$",
    re.IGNORECASE,
)
SOMETHING: Final = re.compile(
    r"^(?:(?:me|us|all|some|the|any|a few|\d+|other|texts?|messages?|documents?|docs|ones|that|about|like|for|which|similar to|mention(?:ing)?)\s+)+",
    re.IGNORECASE,
)
DOCUMENT: Final = re.compile(
    r"\b(?:document|doc|text|message|ticket|id|row|item|case|number|no\.?|nr\.?)\s*[:#]?\s*[\"'“]?(?P<a>[\w./:@-]*\d[\w./:@-]*)|"
    r"#(?P<b>[\w./:-]+)|\bwhy\s+(?:is|was|does|did|has|isn'?t)\s+[\"'“]?(?P<c>[\w./:@-]*\d[\w./:@-]*)",
    re.IGNORECASE,
)
HOW_MANY: Final = re.compile(
    rf"\b{_N}\s(?:\w+\s)?(?:examples?|texts|messages|documents|docs|tickets|samples|of)\b"
)
IDLE: Final = re.compile(
    r"\b(?:write|tell|sing|compose|translate|recite|repeat|say|draw)\b.{0,30}\b(?:poems?|jokes?|songs?|stor(?:y|ies)|haiku|essay|after me|"
    r"riddle|recipe|limerick)\b",
    re.IGNORECASE,
)
INJECTS: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|violate|break)\b.{0,40}\b(?:your|all|any|previous|prior|above|earlier|these|system|the)\b"
    r".{0,30}\b(?:instructions?|rules?|prompts?|guidelines?|training|above|programming|restrictions?|told)\b|"
    r"\b(?:system|developer|admin(?:istrator)?|root|assistant)\s*(?:note|message|prompt|mode|override|access|instruction|command|:)|"
    r"\byou are (?:now|no longer)\b|\b(?:act|behave) as\b|\bpretend\b|\bjailbreak|</?[a-z_|]+>|<\||\[/?inst\]?|###|"
    r"\b(?:reveal|print|repeat|output|leak|dump)\b.{0,40}\b(?:prompt|instructions|rules|password|keys?)\b|\bnew (?:instructions|rules)\s?:|"
    r"\bdrop table\b|\brm -rf\b|\bdelete from\b|\bsudo\b",
    re.IGNORECASE,
)
DESTROYS: Final = re.compile(
    r"\b(?:remov|delet|drop|eras|wip|clear|merg|combin|destroy|scrap|kill|discard|empty|reset|get rid|throw|nuk|trash|burn|split|renam|clean)\w*\b[^.?!]{0,50}"
    r"\b(?:everything|all|every|each|whole|entire|the lot|anything|categories|taxonomy|list)\b"
)
