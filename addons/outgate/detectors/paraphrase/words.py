"""Words of a question, in a form in which two wordings compare: folded letters, contractions spelled out, lower case, and stems."""

import re
from dataclasses import dataclass
from functools import lru_cache

from outgate.detectors.folding import FOLD

_TOKEN = re.compile(
    r"(?i:c\+\+|[cf]#(?!\w)|\.net\b)"
    r"|(?<!\S)--?[A-Za-z][\w-]*"  # a flag of a command
    r"|(?<![\w)])-?\d+(?:,\d{3})+(?:\.\d+)?|(?:(?<![\w)])-)?\d+(?:[.:/-]\d+)*"
    r"|w/o?(?!\w)"
    r"|(?:[A-Za-z]\.){2,}|[^\W\d_](?:[\w.@/-]*[\w])?(?:'[A-Za-z]+)?"
    r"|[$\u20ac\u00a3\u00a5%&+*/^=<>|!_?,\u00ac-]"
)
_SAME = dict(
    each.split("=")
    for each in (
        "cannot=can not,cant=can not,dont=do not,doesnt=does not,didnt=did not,isnt=is not,arent=are not,wasnt=was not,wont=will "
        "not,wouldnt=would not,couldnt=could not,shouldnt=should not,havent=have not,hasnt=has not,ain't=is not,aint=is "
        "not,won't=will not,can't=can not,shan't=shall not,whats=what is,wats=what is,wat=what,hows=how is,whos=who "
        "is,wheres=where is,whens=when is,im=i am,ive=i have,id=i would,i'd=i would,let's=let "
        "us,u=you,r=are,ur=your,pls=please,plz=please,w/=with,w/o=without,b4=before,&=and,gonna=going to,wanna=want "
        "to,gotta=have "
        "to,thru=through,tho=though,cuz=because,bc=because,tmrw=tomorrow,tmr=tomorrow,tomorow=tomorrow,tommorow=tomorrow,tonite=tonight"
    ).split(",")
)
_ENDINGS = {"'s": "", "'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would"}
_IS = frozenset("what who where when why how it that there here he she this".split())
_ABBREVIATION = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]?\Z")
_NUMBERED = re.compile(r"([A-Za-z]{3,})-?(\d+)\Z")
_RANGE = re.compile(r"\d[\d.:]*(?:-\d[\d.:]*)+\Z")
_COMPOUND = re.compile(r"[A-Za-z]+(?:[-/][A-Za-z]+)+\Z")


@dataclass(frozen=True, slots=True)
class Words:
    """A text as words: `said` with the letters' case, `words` in lower case, and `stems`, each at the same place."""

    text: str
    said: tuple[str, ...]
    words: tuple[str, ...]
    stems: tuple[str, ...]


def read(text: str) -> Words:
    """The words of a text."""
    plain = text if text.isascii() else text.translate(FOLD)
    said: list[str] = []
    for token in _TOKEN.findall(plain):
        said += _spelled_out(token, said[-1].lower() if said else "")
    words = tuple(word.lower() for word in said)
    return Words(text, tuple(said), words, tuple(map(stem, words)))


def _spelled_out(token: str, before: str) -> list[str]:
    low = token.lower()
    if low in _SAME:
        return _SAME[low].split()
    if (before, token) == ("how", "2"):
        return ["to"]
    if "'" in token:
        return _contraction(token)
    if _ABBREVIATION.match(token):
        return [token.replace(".", "")]
    if _RANGE.match(token):
        return token.split("-")
    if numbered := _NUMBERED.match(token):
        return [*numbered.groups()]
    return re.split("[-/]", token) if _COMPOUND.match(token) else [token]


def _contraction(token: str) -> list[str]:
    word, _, ending = token.partition("'")
    low, ending = word.lower(), "'" + ending.lower()
    if ending == "'t" and low.endswith("n"):
        return [word[:-1], "not"]
    if ending == "'s" and low in _IS:
        return [word, "is"]
    more = _ENDINGS.get(ending)
    return [token] if more is None else [word, more] if more else [word]


_IRREGULAR = {
    word: group.partition(" ")[0]
    for group in (
        "be is are am was were been being,have has had having,do does did done doing,go goes went gone going,buy bought,sell "
        "sold,man men,woman women,child children kids kid,person people persons,mouse mice,foot feet,tooth teeth,get got gotten "
        "getting,make made making,give gave given,take took taken,write wrote written writing,begin began begun beginning,find "
        "found,lose lost losing,win won winning,run ran running,put putting,pay paid,send sent,say said,see saw seen,know knew "
        "known,leave left,build built,teach taught,think thought,grow grew grown,rise rose risen,fall fell fallen,lend lent,come "
        "came coming,eat ate eaten,speak spoke spoken,analyze analyse analysis,good better,bad worse,large big biggest bigger "
        "largest larger"
    ).split(",")
    for word in group.split()[1:]
}


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """The word without the endings of number, tense and person: what it shares with its other forms."""
    word = _IRREGULAR.get(word, word)
    if len(word) < 4 or not word.isalpha():
        return word
    for ending in ("ies", "ied"):
        if word.endswith(ending):
            return word[:-2]
    for ending in ("sses", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not (ending == "s" and word[-2] in "su"):
            return _root(word[: -len(ending)] + ("ss" if ending == "sses" else ""))
    return _root(word)


def _root(word: str) -> str:
    if len(word) > 3 and word[-1] == "e":
        word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    word = word[:-1] + "i" if len(word) > 2 and word[-1] == "y" else word
    word = word[:-2] + "iz" if len(word) > 5 and word.endswith("is") else word
    return word.replace("our", "or") if len(word) > 4 else word


def only(these: Words, those: Words) -> list[int]:
    """Places of the words that the first text has and the second lacks, in any form."""
    other = set(those.stems) | set(those.words)
    return [at for at, root in enumerate(these.stems) if root not in other and these.words[at] not in other]
