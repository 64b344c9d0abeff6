"""Names in a text: capitalised words, identifiers, versions, files, quoted strings, and things of a known kind."""

import re

from outgate.detectors.paraphrase.kinds import KINDS
from outgate.detectors.paraphrase.quantities import UNITS
from outgate.detectors.paraphrase.words import Words, stem

_QUOTED = re.compile(r"\"([^\"\n]{1,120})\"|(?<!\w)'([^'\n]{2,120})'(?!\w)|\u201c([^\u201d\n]{1,120})\u201d")
_IDENTIFIER = re.compile(r"--?[A-Za-z]|[A-Za-z]+[_\d@/]|\w+[.]\w|[a-z]+[A-Z]|\d+(?:\.\d+){2,}")
_ENDINGS = frozenset("s n an ian ish ese i is er ers ic al ns ans ians".split())
_NEVER = frozenset(
    "i what which who whom whose why where when how is are was were do does did can could should would will may might the a an "
    "please tell show give explain describe find list name define calculate compute write translate convert in on at to from of "
    "if for and or my me need want hi hello hey thanks ok dear also as by it this that these those there you your we they he she "
    "am pm yes no not quick question looking "
    "ive im id let any some".split()
)
_ALIASES = tuple(
    frozenset(group.split())
    for group in (
        "us usa america american states united,uk britain british kingdom united england,js javascript,nyc york,la angeles,"
        "eu europe european,k8s kubernetes,wwii war ww2 ii second,wwi war ww1 first,un nations united,tv television,ai artificial,"
        "ml machine"
    ).split(",")
)


def names_differ(a: Words, b: Words) -> bool:
    """Whether each text has a name that the other lacks: another product, person, file or version in the place of one."""
    ours, theirs = _names(a), _names(b)
    left = {name for name in ours if not _in(name, b)}
    right = {name for name in theirs if not _in(name, a)}
    return bool(left and right) and not _written_otherwise(left, right)


def kinds_differ(a: Words, b: Words) -> bool:
    """Whether each text has a thing of one kind that the other lacks: cats and dogs, Python and Java, in whatever letters."""
    ours, theirs = _things(a), _things(b)
    left, right = ours - theirs, theirs - ours
    return bool({kind for kind, _ in left} & {kind for kind, _ in right})


def quotes_differ(a: Words, b: Words) -> bool:
    """Whether both texts quote, and not the same."""
    ours, theirs = _quoted(a.text), _quoted(b.text)
    return bool(ours and theirs) and ours != theirs


def _quoted(text: str) -> set[str]:
    if '"' not in text and "'" not in text and "\u201c" not in text:
        return set()
    return {"".join(filter(str.isalnum, "".join(groups).lower())) for groups in _QUOTED.findall(text)} - {""}


def _names(text: Words) -> set[str]:
    """Names in small letters. In a text of capitals, and at its beginning, a capital shows nothing."""
    shouted = text.text.isupper()
    found = set()
    for at, word in enumerate(text.said):
        if _IDENTIFIER.match(word) or (
            word[0].isupper()
            and not shouted
            and word.lower() not in _NEVER
            and word.lower() not in UNITS
            and (at or word.isupper())
        ):
            found.add(word.lower())
    return found


def _in(name: str, text: Words) -> bool:
    """Whether a text has the name: as a word, in another form, or as the beginning of one."""
    if name in text.words or stem(name) in text.stems:
        return True
    if any(name in group and not group.isdisjoint(text.words) for group in _ALIASES):
        return True
    meanings = KINDS.get(name)
    if meanings and any(meaning in KINDS.get(word, ()) for word in text.words for meaning in meanings):
        return True
    return len(name) > 3 and any(_inflected(name, word) or _inflected(word, name) or _misspelt(name, word) for word in text.words)


def _inflected(short: str, long: str) -> bool:
    return len(short) > 3 and long.startswith(short) and long[len(short) :] in _ENDINGS


def _misspelt(one: str, other: str) -> bool:
    """Whether the words are long and one letter apart: Hilary and Hillary."""
    if len(one) < 6 or abs(len(one) - len(other)) > 1 or not (one + other).isalpha():
        return False
    same = next((at for at, (mine, its) in enumerate(zip(one, other, strict=False)) if mine != its), min(len(one), len(other)))
    return one[same + 1 :] == other[same + 1 :] or one[same:] == other[same + 1 :] or one[same + 1 :] == other[same:]


def _written_otherwise(left: set[str], right: set[str]) -> bool:
    """Whether one side's names are the initials of the other's: WHO and World Health Organization."""
    return _initials(left, right) or _initials(right, left)


def _initials(short: set[str], long: set[str]) -> bool:
    letters = sorted(name[0] for name in long)
    return any(2 <= len(name) <= 5 and set(name) <= set(letters) for name in short) and len(long) > 1


def _things(text: Words) -> set[tuple[int, str]]:
    return {meaning for word in text.words for meaning in KINDS.get(word, ())}
