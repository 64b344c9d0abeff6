"""Scope of a text: all, some, only, at least, the best, the first; and the form that an answer is asked for in."""

from outgate.detectors.paraphrase.words import Words


def _by_word(names: dict[str, str]) -> dict[str, str]:
    return {word: name for name, words in names.items() for word in words.split()}


_GROUPS = tuple(
    map(
        _by_word,
        (
            {"all": "all every each everyone everything everybody entire whole always"},
            {"only": "only solely exclusively", "just": "just"},
            {"best": "best top greatest favorite favourite ideal optimal", "worst": "worst"},
            {"first": "first earliest initial original oldest", "last": "last latest final newest recent",
             "second": "second penultimate"},
            {"large": "largest biggest highest tallest longest most", "small": "smallest lowest shortest least fewest"},
            {"high": "highest tallest", "low": "lowest shortest", "far": "longest farthest",
             "cheap": "cheapest", "fast": "fastest", "slow": "slowest"},
            {"most": "maximum max", "least": "minimum min", "mean": "average mean typical", "median": "median", "sum": "total"},
            {"exact": "exactly", "about": "approximately roughly about"},
            {"child": "child children kid kids", "toddler": "toddler toddlers", "baby": "baby babies infant infants",
             "adult": "adult adults",
             "teen": "teen teens teenager teenagers", "old": "senior seniors elderly", "beginner": "beginner beginners newbie",
             "expert": "expert experts",
             "women": "woman women females", "men": "man men males"},
        ),
    )
)  # fmt: skip
_PHRASES = {
    tuple(phrase.split()): bound
    for bound, phrases in {
        "low": "at least,no less than,no fewer than,minimum of,more than,over,exceeding",
        "high": "at most,no more than,up to,maximum of,less than,fewer than,under",
    }.items()
    for phrase in phrases.split(",")
}
_FORMS = _by_word(
    {
        "short": "briefly concise concisely", "long": "detailed", "sentence": "sentence sentences",
        "paragraph": "paragraph paragraphs",
        "bullets": "bullet bullets", "json": "json", "yaml": "yaml", "csv": "csv", "xml": "xml",
        "markdown": "markdown", "haiku": "haiku",
        "limerick": "limerick", "rhyme": "rhyme", "emoji": "emoji emojis",
    }
)  # fmt: skip


def scope_differs(a: Words, b: Words) -> bool:
    """Whether both texts say how much they ask about, and not the same: the best and the worst, at least and at most."""
    return any(_apart(group, a, b) for group in _GROUPS) or _bounds(a) * _bounds(b) < 0


def form_differs(a: Words, b: Words) -> bool:
    """Whether the texts ask for answers of another form: in one sentence, as a table, in detail."""
    return {_FORMS[word] for word in a.words if word in _FORMS} != {_FORMS[word] for word in b.words if word in _FORMS}


def _apart(group: dict[str, str], a: Words, b: Words) -> bool:
    ours, theirs = ({group[word] for word in text.words if word in group} for text in (a, b))
    return bool(ours - theirs and theirs - ours)


def _bounds(text: Words) -> int:
    """Above nothing: a lower bound; below: an upper bound; nothing: none, or both."""
    found = {bound for phrase, bound in _PHRASES.items() if phrase[0] in text.words and _holds(text.words, phrase)}
    return 0 if len(found) != 1 else 1 if "low" in found else -1


def _holds(words: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    return any(words[at : at + len(phrase)] == phrase and words[at - 1 : at] != ("no",) for at in range(len(words)))
