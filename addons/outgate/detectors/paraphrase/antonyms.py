"""Words that mean opposites, of which one text has one and the other has the other: ascending and descending, buy and sell."""

from collections.abc import Iterable
from importlib.resources import files

from outgate.detectors.paraphrase.negation import makes_up, negations
from outgate.detectors.paraphrase.words import Words, only, stem

_OPPOSITES: dict[str, set[str]] = {}
for _pair in files(__package__).joinpath("antonyms.txt").read_text("utf-8").split():
    _one, _, _other = _pair.partition("/")
    for _a, _b in ((_one, _other), (_other, _one), (stem(_one), stem(_other)), (stem(_other), stem(_one))):
        _OPPOSITES.setdefault(_a, set()).add(_b)
_RELATIONAL = frozenset(
    "before after above below over under more less older younger larger smaller taller shorter longer higher lower heavier "
    "lighter faster slower hotter colder better worse stronger weaker near cheaper expensive earlier later lend borrow buy sell "
    "parent child teacher student greater fewer".split()
)
"""A before B is B after A: with the things exchanged too, the verifier decides."""
_DENYING = ("un", "in", "im", "il", "ir", "dis", "non", "mis", "de", "anti")
_PAIRED = "over/under up/down hyper/hypo inter/intra pre/post micro/macro in/out im/ex in/ex en/de multi/mono".split()
_OPPOSED = tuple((first, second) for pair in _PAIRED for first, second in (pair.split("/"), reversed(pair.split("/"))))


def antonyms_differ(a: Words, b: Words) -> bool:
    """Whether the texts hold two opposites, and nothing else turns the meaning back: another negation, or an exchange of places."""
    pairs = opposites(a, b)
    return bool(pairs) and not _turned_back(a, b, pairs)


def opposites(a: Words, b: Words) -> list[tuple[int, int]]:
    """Places of two words, one of each text, that mean opposites; each is in its own text alone."""
    theirs = only(b, a)
    by_form = {form: at for at in theirs for form in (b.words[at], b.stems[at])}
    return [
        (at, by_form[form]) for at in only(a, b) for form in _opposite_forms(a.words[at], a.stems[at], by_form) if form in by_form
    ]


def _opposite_forms(word: str, root: str, among: Iterable[str]) -> set[str]:
    forms = _OPPOSITES.get(word, set()) | _OPPOSITES.get(root, set())
    for prefix in _DENYING:
        if word.startswith(prefix):
            forms |= {root.removeprefix(prefix)} if len(root) > len(prefix) + 3 else set()
    if len(root) > 3:
        forms |= {
            form for form in among if form.startswith(_DENYING) and form.endswith(root) and form.removesuffix(root) in _DENYING
        }
    for first, second in _OPPOSED:
        if word.startswith(first) and len(word) > len(first) + 3:
            forms.add(second + word.removeprefix(first))
    return forms


def _turned_back(a: Words, b: Words, pairs: list[tuple[int, int]]) -> bool:
    if any(abs(one - first) > 1 and abs(other - second) > 1 for one, other in pairs for first, second in pairs):
        return True
    one, other = pairs[0]
    if negations(a) % 2 != negations(b) % 2 or makes_up(a, b, but=one) != makes_up(b, a, but=other):
        return True
    return a.words[one] in _RELATIONAL and _exchanged(a, b, one, other)


def _exchanged(a: Words, b: Words, one: int, other: int) -> bool:
    """Whether what stands before the word in one text stands after it in the other."""
    ahead, behind = set(b.stems[:other]), set(b.stems[other + 1 :])
    moved = [stem for stem in a.stems[one + 1 :] if stem in ahead and stem not in behind and len(stem) > 2]
    back = [stem for stem in a.stems[:one] if stem in behind and stem not in ahead and len(stem) > 2]
    return bool(moved or back)
