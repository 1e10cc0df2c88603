"""How people put what they want of a list of categories: the words and the patterns that `spoken_edits` reads by.

Patterns see a clause as a line of units: ``@3`` is a category, IT and THEM are pronouns, CAT and BELOW nouns for a
category and a subcategory, Q stands for what is in quotes. Articles and politeness are gone before. English.
"""
# ruff: noqa: E501  # a pattern stays on its line

import re
from typing import Final

from .mentions import GENERIC, words_in

VERBS: Final = words_in(
    """
    merge combine join unite unify fuse consolidate lump fold collapse pool blend absorb integrate
    split divide subdivide separate partition break tear cut
    add create introduce insert make remove delete drop discard erase scrap eliminate ditch kill trash dump
    get throw move put place nest shift bring take rename relabel retitle change call name describe define
    give turn set update use group pull roll kick
    """
)
INFLECTED: Final = words_in(
    """
    merged merging combined combining joined united split splitting divided added adding created removed removing
    deleted deleting dropped moved moving renamed renaming called named label labels list
    """
)
SLIPS: Final = sorted(
    words_in(
        """
        merge combine unite consolidate split divide subdivide separate create introduce remove delete discard
        eliminate rename relabel describe should could category categories together under below please instead
        subcategory called named
        """
    )
)
CATEGORY: Final = words_in("category categories topic topics theme themes label labels bucket section folder")
BELOW: Final = words_in("subcategory subcategories subtopic subtopics child subfolder")
FILL: Final = words_in(
    """
    please pls plz kindly just simply maybe perhaps actually really also the a an then too already still anyway
    probably quickly all
    """
)
NOISE: Final = words_in(
    """
    ok okay yes yeah yep no nope hi hello hey thanks thank thx you well great good nice fine cool perfect so hm hmm
    and but , : - sorry right sure looks look much very now dear there im ty cheers
    """
)
NUMBERING: Final = words_in("number numbers no nr num # category categories topic topics label")
AFTER: Final = (GENERIC | words_in("one ones bit")) - words_in("other general related")

QUOTES: Final = re.compile(
    r'"([^"\n]+)"|“([^”\n]+)”|„([^“”\n]+)[“”]|«([^»\n]+)»|‘([^’\n]+)’|`([^`\n]+)`|(?<!\w)\'([^\'\n]+)\'(?!\w)'
)
TRAIL: Final = re.compile(
    r"(?:[\s,]+(?:instead|please|pls|plz|thanks|thank you|thx|now|then|too|again|maybe|or so|or something|if you can|"
    r"if possible|for now|from now on|as well|okay|ok|yet|as (?:a |an |its |their )?(?:new |separate |own |extra )*(?:category|topic|one|label)|would be (?:better|nice|great|good)|i think|right|(?:so )?(?:please )?(?:add|create|make) (?:one|it|that|this)))+[\s.!?,]*$",
    re.IGNORECASE,
)
REASON: Final = re.compile(
    r"\s(?:because|cause|cuz|since|so that|as (?:it|they|this|that|these|those)\b|(?:,|-|;)\s(?:it|its|they|theyre|that|"
    r"thats|this|these|those|there|theres|both|which|who|too|as|so|customers|people|nobody|no one|we have|i have|"
    r"IT|THEM|@\d+ (?:is|are|does|covers|has))\b).*$"
)
LEAD: Final = re.compile(
    r"^(?:(?:and|but|or|ok|okay|yes|yeah|no|well|so|hey|hi|hello|,|:|-|great|good|nice|fine|thanks|perfect|first|second|"
    r"next|finally|lastly|instead|better|rather|now)\s|"
    r"(?:can|could|would|will)\s(?:you|we|u|i)\s|(?:i|we|id|wed)\s(?:want|would like|d like|like|need|wish)\s(?:you\s)?to\s|"
    r"(?:i|we)\s(?:think|guess|believe|suggest|propose|say|feel|d say)\s(?:that\s)?|id\s(?:say|suggest)\s|"
    r"(?:i|we|you)\s(?:should|could|can|must|may)\s|lets\s|let us\s|go ahead and\s|feel free to\s|"
    r"(?:i|we)\s(?:think|guess)\s|it would be (?:good|nice|better|great) (?:to|if you could)\s|do\s(?:me a favor and\s)?|"
    r"how about (?:we\s|you\s)?|why (?:dont|not) (?:we|you)?\s?|be so kind (?:as )?to\s|try to\s|help me\s)+"
)
ASKS: Final = re.compile(
    r"^(?:(?:and|but|so|ok|okay|hey|hi|hello|well|,|no|yes|hm|hmm)\s)*(?:what(?! about)|whats|which|why(?! dont| not)|whys|"
    r"how(?! about)|hows|who|whose|when|where|wheres|is|are|was|were|does|did|has|isnt|arent|wasnt|doesnt|didnt|am|"
    r"do (?:you|we|i|they|IT|THEM|@\d+)|have (?:you|we|i|they)|should (?:i|we|IT|THEM|@\d+|there)|shall|"
    r"would (?:IT|it|that|this|there|@\d+|merging|splitting|removing|anything)|"
    r"(?:can|could|may|might) (?:i|it|this|that|there|they|anyone)\b|"
    r"(?:can|could|would|will) (?:you|u|we) (?:tell|show|explain|list|find|count|recommend|suggest|say|advise|think|see|"
    r"search|look|compare|give me|help)|"
    r"tell me|show|list|give me|explain|find|search|look for|count|compare|any idea|anything|if|suppose|assume|imagine|"
    r"i wonder|wondering|im wondering|i am wondering|not sure|im not sure|thinking (?:about|of)|im thinking|whether)\b"
)
REFUSES: Final = re.compile(
    r"^(?:(?:and|but|or|ok|okay|well|so|,|no|yes|you|we|i|should|must)\s)*(?:dont|do not|never|not|no need to|without|avoid|"
    r"stop|keep|leave|cannot|cant|shouldnt|mustnt|wont|should not|must not)\b(?!.*\b(?:need|want|use)\s(?:@|IT|THEM))"
)

UNWANTED: Final = re.compile(
    rf"(?<!why )\b(?:not|never|dont|wont|cant|cannot|shouldnt|without|avoid)\s(?:to\s|be\s)?(?:{'|'.join(sorted(VERBS))})(?:d|ed|ing|ging|ting)?\b"
)
_X: Final = r"(?:@\d+|IT)"
_XS: Final = (
    rf"(?:THEM|(?:both\s)?{_X}(?:(?:\s(?:,|and|&|\+|/|with|plus|as well as|or|both|together with))*\s{_X})*)"
)
_CATS: Final = rf"(?P<cats>{_XS})"
_CAT: Final = rf"(?P<cats>{_X})"
_MAY: Final = r"(?:should|could|can|must|shall|might|may|ought to|needs? to|ha(?:s|ve) to|would)"
_UNDER: Final = (
    r"(?:under|underneath|below|beneath|inside|within|as BELOW (?:of|under|to|in|for)|BELOW (?:of|under)|BELOW to|"
    r"as CAT (?:under|below|within)|(?:as )?part of)"
)
_TOP: Final = (
    r"(?=.*\b(?:top|own|main|root|standalone|independent)\b)(?:(?:back|on|at|to|as|onto|in|its|their|own|of|separate|for|"
    r"itself|level|main|top|-|CAT|root|again|standalone|independent|toplevel|up|out|into|place)(?:\s|$))+"
)
_NOT_UNDER: Final = (
    r"(?:\s?(?:,\s)?(?:and\s)?(?:not|rather than|instead of|no longer)\s(?:being\s)?(?:under|below|in|inside)\s"
    r"(?:@\d+|IT|something else|anything))?"
)
_NEW: Final = r"(?:(?:one|another|new|extra|separate|more|additional|own|dedicated|top|-|level|CAT|BELOW|entry|group)\s)"
_LINK: Final = (
    r"(?:(?:for|about|on|called|named|titled|:|with name|name|name it|covering|that covers|dealing with|to cover|"
    r"regarding|-|that is about|where people|(?:and\s)?(?:call|name)\sIT|(?:something|anything|sth|stuff)\s(?:about|for|on|like))\s)?"
)
_INTO: Final = (
    r"\s(?:,\s)?(?:and\s)?(?:into|to|as|under|in|(?:(?:with|under|by)\s)?(?:new\s)?(?:name|title|heading|label|CAT)(?:\s:)?|called|named|titled|:|=|-\s>|=\s>|"
    r"(?:call|name) (?:IT|THEM|result)|with)\s(?P<name>.+)"
)
_TAIL: Final = r"(?:\s?(?P<how>into|in|to|as|between|:|,|-|by|according to|based on|along|depending on)\s(?P<parts>.+))?$"
_MERGE: Final = (
    r"(?:merge|combine|join|unite|unify|fuse|consolidate|lump|fold|collapse|pool|blend|absorb|integrate|roll)"
)
_ONE: Final = (
    r"(?:together|(?:in|into|as|to)\s(?:one|single|same|common|joint)|one)(?:\s(?:single|CAT|group|pot|one))*"
)

# Operation, whether it leaves no doubt, pattern. The first that fits a clause whole is what it asks for.
PATTERNS: Final = tuple(
    (op, plain, re.compile("^" + pattern))
    for op, plain, pattern in (
        (
            "rename",
            True,
            rf"(?:change|set|update|replace)\s(?:name|title|CAT)\s(?:of|for)\s{_CAT}\s(?:to|into|as|with|by|=|:)\s(?P<name>.+)$",
        ),
        (
            "describe",
            True,
            rf"(?:change|set|update|rewrite|make|edit|replace)\s(?:description|definition|meaning)\s(?:of|for)\s{_CAT}\s(?:to|as|with|by|:|=)\s(?P<text>.+)$",
        ),
        (
            "describe",
            True,
            rf"(?:describe|redescribe|define|redefine)\s{_CAT}\s(?:as|with|to|by|:)\s(?P<text>.+)$",
        ),
        (
            "describe",
            True,
            rf"(?:description|definition)\s(?:of|for)\s{_CAT}\s(?:should|must)\s(?:be|say|read)\s?:?\s(?P<text>.+)$",
        ),
        (
            "extend",
            True,
            rf"{_CAT}\s{_MAY}\s(?:cover|include|contain|mention|comprise|take in)\s(?P<text>.+)$",
        ),
        (
            "move",
            True,
            rf"(?:move|put|place|nest|shift|bring|make|file|hang|set|tuck|stick|get|turn)\s{_CATS}\s(?:back\s|up\s|down\s|directly\s|right\s|into\s)*{_UNDER}\s(?P<under>{_X})$",
        ),
        ("move", True, rf"(?:move|nest|shift)\s{_CATS}\s(?:into|in|to)\s(?P<under>{_X})$"),
        (
            "move",
            True,
            rf"{_CATS}\s(?:(?:{_MAY}\s)?(?:be|go|sit|come|belongs?|goes|live)\s)(?:moved\s|put\s|placed\s|nested\s)?{_UNDER}\s(?P<under>{_X})$",
        ),
        (
            "top",
            True,
            rf"(?:move|put|place|bring|make|shift|lift|pull|promote|get|set|turn)\s{_CATS}\s{_TOP}{_NOT_UNDER}$",
        ),
        (
            "top",
            True,
            rf"{_CATS}\s(?:{_MAY}\s)(?:be|stand|go|get|become|have|come|move)\s{_TOP}{_NOT_UNDER}$",
        ),
        (
            "top",
            True,
            rf"(?:move|take|bring|pull|get)\s{_CATS}\s(?:back\s)?(?:out\s(?:of|from)(?:\sunder)?|from under|up from)\s@\d+$",
        ),
        ("merge", True, rf"{_MERGE}(?:\stogether)?\s{_CATS}(?:\s{_ONE})?(?:{_INTO})?$"),
        (
            "merge",
            True,
            rf"(?:put|bring|group|throw|make|pull|get|take|turn|place|move|stick)\s{_CATS}\s{_ONE}(?:{_INTO})?$",
        ),
        (
            "merge",
            True,
            rf"(?:make|create|form)\s(?:one|single)\s(?:CAT\s)?(?:out of|of|from)\s{_CATS}(?:{_INTO})?$",
        ),
        (
            "merge",
            True,
            rf"(?=(?:can|could)\s|.*\s{_MAY}\s)(?:(?:can|could)\s)?{_CATS}\s(?:{_MAY}\s)?(?:both\s)?(?:be|become|form|go|belong)\s(?:merged|combined|joined|united|unified|fused|consolidated|grouped|lumped|put|{_ONE})(?:\s{_ONE})?(?:{_INTO})?$",
        ),
        (
            "merge",
            False,
            rf"{_CATS}\s(?:are|is|belong|go)\s(?:basically\s|pretty much\s|almost\s)?(?:together|one|same)(?:\s(?:CAT|thing|stuff))*$",
        ),
        (
            "split",
            True,
            rf"(?:split|divide|subdivide|separate|partition)(?:\sup)?\s{_CAT}(?:\s(?:up|apart|further|down|out|in half|more))*{_TAIL}",
        ),
        (
            "split",
            True,
            rf"(?:break|tear|take|pull|cut|pick)\s{_CAT}\s(?:up|down|apart|in two|in half|to pieces|into pieces)(?:\sinto pieces)?{_TAIL}",
        ),
        ("split", True, rf"(?:break|cut|tear)\s(?:up|down|apart)\s{_CAT}{_TAIL}"),
        ("split", True, rf"(?:break|cut|turn)\s{_CAT}\s(?P<how>into)\s(?P<parts>.+)$"),
        (
            "split",
            True,
            rf"(?=(?:can|could)\s|.*\s{_MAY}\s)(?:(?:can|could)\s)?{_CAT}\s(?:{_MAY}\s)?(?:be\s)?(?:split|divided|subdivided|separated|broken|taken|become)(?:\s(?:up|down|apart))?{_TAIL}",
        ),
        (
            "apart",
            True,
            rf"(?:separate|split|divide)\s(?P<first>.+?)\s(?:from|and)\s(?P<second>.+?)\s(?:in|within|inside|of)\s{_CAT}$",
        ),
        (
            "split",
            True,
            rf"(?:make|create)\s(?:two|2|three|3|four|4|several|more)\s(?:CAT\s)?(?:out of|from|of)\s{_CAT}{_TAIL}",
        ),
        (
            "remove",
            True,
            rf"(?:remove|delete|drop|discard|erase|scrap|eliminate|ditch|kill|trash|dump|get rid of|do away with|kick out|throw (?:out|away)|take (?:out|away)|cut out|leave out)\s{_CATS}(?:\s(?:from|out of)\s(?:list|taxonomy|CAT|table))?(?:\s(?:completely|entirely|altogether|again|out|away|as well|for good))*$",
        ),
        (
            "remove",
            True,
            rf"(?:throw|take|cut|leave|strike|cross)\s{_CATS}\s(?:out|away|off)(?:\s(?:of|from))?(?:\s(?:list|taxonomy|table))?$",
        ),
        (
            "remove",
            True,
            rf"(?=(?:can|could)\s|.*\s{_MAY}\s)(?:(?:can|could)\s)?{_CATS}\s(?:{_MAY}\s)?(?:both\s)?(?:be\s)?(?:removed|deleted|dropped|go|away|gone|discarded|scrapped|thrown out|out)$",
        ),
        (
            "remove",
            False,
            rf"(?:i|we|you)?\s?(?:dont|do not|no longer)\s(?:need|want|use)\s{_CATS}(?:\s(?:any more|anymore|any longer|at))?$",
        ),
        (
            "remove",
            False,
            rf"{_CATS}\s(?:is|are|s)\s(?:useless|unnecessary|not needed|not necessary|no longer needed|irrelevant|superfluous)$",
        ),
        (
            "rename",
            True,
            rf"(?:rename|relabel|retitle)\s{_CAT}(?:\sname)?\s(?:(?:to|into|as|=|:|-\s>|=\s>)\s)?(?P<name>.+)$",
        ),
        ("rename", True, rf"(?:change|turn|switch)\s{_CAT}(?:\ss)?(?:\sname)?\s(?:to|into)\s(?P<name>.+)$"),
        ("rename", False, rf"(?:call|name)\s{_CAT}\s(?:as\s)?(?P<name>.+)$"),
        (
            "rename",
            True,
            rf"(?=(?:can|could)\s|.*\s{_MAY}\s)(?:(?:can|could)\s)?{_CAT}\s(?:{_MAY}\s)?(?:rather\s|better\s)?(?:be\s)?(?:called|named|renamed(?:\s(?:to|as|into))?|titled|read)\s(?P<name>.+)$",
        ),
        (
            "rename",
            True,
            rf"give\s{_CAT}\s(?:(?:new|better|other|different)\s)?name\s(?:(?::|of|,|-)\s)?(?P<name>.+)$",
        ),
        (
            "rename",
            True,
            rf"(?:better\s|new\s|right\s|good\s)?name\s(?:for|of)\s{_CAT}\s(?:{_MAY}\sbe|is|:|=)\s(?P<name>.+)$",
        ),
        ("rename", True, rf"use\s(?:name\s)?(?P<name>.+?)\s(?:as (?:new )?name )?for\s{_CAT}$"),
        ("rename", True, rf"{_CAT}\s(?:-\s>|=\s>|→|=)\s(?P<name>.+)$"),
        ("merge", False, rf"{_CATS}\s(?:=|-\s>|=\s>|→)\s(?P<name>.+)$"),
        ("rename", False, rf"(?:make|turn)\s{_CAT}\s(?:into\s)?(?P<name>.+)$"),
        ("rename", False, rf"{_CAT}\s{_MAY}\sbe\s(?P<name>.+)$"),
        ("rename", False, rf"{_CAT}\s:\s(?P<name>.+)$"),
        (
            "rename",
            True,
            rf"(?:instead\s)?of\s{_CAT}\s(?:,\s)?(?:say|use|write|take|put|(?:call|name) IT)\s(?P<name>.+)$",
        ),
        ("instead", False, r"(?:use|take|say|write)\s(?P<name>.+?)\s(?:instead|rather)$"),
        (
            "move",
            True,
            rf"(?:move|shift|take|put)\s{_CATS}\s(?:out of|from)\s@\d+\s(?:to|into|under|below|and put IT under)\s(?P<under>{_X})$",
        ),
        ("move", True, rf"{_CATS}\s(?:{_MAY}\s)?(?:belongs?|goes|go)\s(?:in|into|to)\s(?P<under>{_X})$"),
        (
            "add",
            True,
            rf"(?:add|create|introduce|insert|make|new|need|want|have|open)\s{_NEW}*(?:under|below|to|of|in|inside|within|beneath|for)\s(?P<under>{_X})\s(?:(?:called|named|:|for|about|,|-)\s)(?P<name>.+)$",
        ),
        ("add", True, rf"(?:add|create|introduce|insert)\s{_NEW}*{_LINK}(?P<name>.+)$"),
        (
            "add",
            True,
            rf"(?:make|open|start|have|include|get|set up)\s(?:{_NEW}+|(?=(?:something|anything)\s(?:about|for|on|like)\s)){_LINK}(?P<name>.+)$",
        ),
        (
            "add",
            True,
            rf"(?:(?:we|i|you|it|list|IT)\s)?(?:need|needs|want|miss|misses|lack|lacks|are missing|is missing|should have|could use|would like|like|require)\s(?:to have\s|to add\s)?{_NEW}+{_LINK}(?P<name>.+)$",
        ),
        ("add", True, rf"(?:id|wed)\slike\s(?:to have\s|to add\s)?{_NEW}+{_LINK}(?P<name>.+)$"),
        ("add", True, rf"(?:new|another)\s(?:CAT|BELOW|one)\s{_LINK}(?P<name>.+)$"),
        ("add", True, rf"there\s(?:should|must|could|needs to|has to)\sbe\s{_NEW}+{_LINK}(?P<name>.+)$"),
        (
            "add",
            True,
            r"(?:put|place|collect|gather|file)\s(?P<name>[^@]+?)\s(?:in|into|as|under)\s(?:one|new|separate|own|its own|their own|extra)\s(?:new\s)?(?:CAT|one)$",
        ),
        (
            "add",
            True,
            rf"(?:im|i am|we are|were|we|you are|list is|taxonomy is|IT is)\s(?:missing|lacking)\s(?:{_NEW}+|(?=(?:something|anything)\s)){_LINK}(?P<name>.+)$",
        ),
        ("add", False, rf"there\s(?:is|s)\sno\s{_NEW}+{_LINK}(?P<name>.+)$"),
        (
            "add",
            False,
            rf"(?P<name>.+?)\s(?:should (?:be|get|have|become)|deserves?|needs?)\s(?:its\s|their\s)?{_NEW}*(?:CAT|one)$",
        ),
        ("add", False, rf"{_NEW}*(?:CAT|one)\s(?:for|about)\s(?P<name>.+?)\s(?:is|s)\smissing$"),
    )
)
PAIR: Final = re.compile(rf"({_X})\s(?:to|into|as|=|-\s>|=\s>)\s")
PARENT: Final = re.compile(rf"^(?P<name>.+?)\s(?:,\s)?(?:{_UNDER}|in)\s(?P<under>{_X})$")
_FIGURE: Final = r"(?:\d+|two|three|four|five|six|several|a few|more)"
_SORT: Final = r"(?:smaller|finer|separate|different|multiple|distinct|new|more specific)"
COUNTED: Final = re.compile(
    rf"^(?:(?:{_FIGURE}|{_SORT})\s)*(?:CAT|BELOW|parts?|pieces|ones|halves|groups?)(?:\s|$)(?:(?::|-|,|namely|called|named|for|one for|like)\s)?|"
    rf"^{_FIGURE}(?:\s|$)(?:(?::|-|,)\s)?|^{_SORT}$"
)
UNNAMED: Final = re.compile(
    r"^(?:(?:one|single|new|common|joint|big|bigger|same|CAT|group|called|named|name|titled|title|heading|:|with|IT|THEM|named it)(?:\s|$))+"
)
GLOSS: Final = re.compile(
    r"\s*(?:,?\s*\b(?:i\.e\.?|e\.g\.?|ie|eg|meaning|that is|such as)(?=[\s,:])[,:]?|:\s|\s[–—-]\s|\(|,\s*(?:for|which|covering|"
    r"with|where|about|it should|that)\b)\s*",
    re.IGNORECASE,
)
