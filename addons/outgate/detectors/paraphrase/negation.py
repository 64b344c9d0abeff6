"""Negation of a text, by parity: two texts that deny a different number of times say the opposite, unless a word denies unsaid."""

from outgate.detectors.paraphrase.words import Words, only, stem

_NEGATORS = frozenset(
    "not no never without neither nor none nobody nothing nowhere \u00ac except excluding excl non cannot unless".split()
)
_IDIOMS = (
    ("not", "only"), ("not", "just"), ("why", "not"), ("no", "matter"), ("not", "forget"), ("never", "forget"), ("or", "not"),
    ("or", "no"),
    ("no", "doubt"), ("can", "not", "wait"), ("not", "mind"), ("no", "idea"), ("not", "know"), ("not", "sure"), ("no", "clue"),
    ("not", "understand"), ("no", "problem"), ("can", "not", "figure"), ("not", "fail"),
)  # fmt: skip
"""Negations that deny nothing of what is asked."""
_UNSAID = frozenset(
    map(
        stem,
        "avoid prevent stop forbid forbidden ban prohibit illegal unlawful fail failure lack absent absence miss deny denied "
        "refuse reject impossible unable exclude omit skip ignore remove unlikely rare rarely hardly barely scarcely seldom free "
        "minus other besides instead wrong incorrect false invalid unsafe dangerous forget remember cease quit disallow decline "
        "nonexistent else broken stuck inactive "
        "disable unavailable empty blank zero only but opposite outside wrong against keep beyond problem "
        "trouble difficult struggle".split(),
    )
)
"""Words that deny without a negation: where one text has one, the verifier decides."""
_SHORT, _SHARED = 3, 0.5
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "mis")


def negation_differs(a: Words, b: Words) -> bool:
    """Whether one text denies and the other does not, with no word that could make up for it."""
    if negations(a) % 2 == negations(b) % 2:
        return False
    return _speak_alike(a, b) and not (makes_up(a, b) or makes_up(b, a))


def _speak_alike(a: Words, b: Words) -> bool:
    """Whether the texts share so many words that one could be the other denied. Else the verifier decides."""
    ours, theirs = ({stem for stem in text.stems if len(stem) > _SHORT} for text in (a, b))
    return len(ours & theirs) >= _SHARED * min(len(ours), len(theirs))


def negations(text: Words) -> int:
    """Words that deny, but for those of idioms."""
    words = text.words
    count = sum(word in _NEGATORS or word.startswith("non-") for word in words)
    for idiom in _IDIOMS:
        if idiom[-1] in words:
            count -= sum(words[at : at + len(idiom)] == idiom for at in range(len(words)))
    return count + ("no" in words[:1])


def makes_up(these: Words, those: Words, *, but: int = -1) -> bool:
    """Whether the first text has a word that denies without saying so, and the second lacks it; one word does not count."""
    return any(these.stems[at] in _UNSAID or _denies(these.words[at]) for at in only(these, those) if at != but)


def _denies(word: str) -> bool:
    return len(word) > 5 and (word.startswith(_PREFIXES) or word.endswith("less"))
