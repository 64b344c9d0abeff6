"""The smallest changes that ask for something else: one word in the place of another, or a word more, in texts otherwise alike."""

from importlib.resources import files

from outgate.detectors.paraphrase.words import Words, stem

_LEFT_OUT = frozenset(
    "a an the of to in on at for by with from and or i you we they he she it me us them my your our their his her its this that "
    "these those is are was were be been am do does did doing can could would will shall may might must have has had ? ! , . "
    "please so very really just some any there here what which how if as about into get got most good best way ways thing things "
    "one ones also too "
    "then than like tell know want need help ok hi hello hey thanks".split()
)
"""Words that come and go between two wordings of one question."""
_SAYING = frozenset(
    map(
        stem,
        "find give say show list explain describe recommend suggest "
        "advise translate spell word phrase term message flag option command "
        "step figure value exact exactly curious wonder mean meaning called name offer possible able try happen currently actually "
        "usually make let time date number example different type kind work find out someone person people question answer "
        "help advice info information details idea look check see learn".split(),
    )
)
"""Words that another wording of the same question may need."""
_LONG = 5
_SYNONYMS: dict[str, set[int]] = {}
for _number, _line in enumerate(files(__package__).joinpath("synonyms.txt").read_text("utf-8").splitlines()):
    for _word in _line.split():
        _SYNONYMS.setdefault(stem(_word), set()).add(_number)


def exchange_differs(a: Words, b: Words) -> bool:
    """Whether one word of few, or two of many, stand in the place of others that are not known to mean the same."""
    ours, theirs = _bearing(a), _bearing(b)
    if len(ours) != len(theirs) or len(ours) < 2:
        return False
    exchanged = [(one, other) for one, other in zip(ours, theirs, strict=True) if one != other]
    few = 1 if len(ours) < _LONG else 2
    return 0 < len(exchanged) <= few and not all(_alike(one, other) for one, other in exchanged)


def unknown_differs(a: Words, b: Words) -> bool:
    """Whether one text says all that the other says, and a word that no list knows: a verifier that does not know it skips it."""
    fewer, more = sorted((set(_bearing(a)), set(_bearing(b))), key=len)
    return bool(fewer) and fewer < more and not more - fewer <= _SAYING | _SYNONYMS.keys()


def added_differs(a: Words, b: Words) -> bool:
    """Whether one text says all that the other says, and more: a condition, a place, somebody else."""
    fewer, more = sorted((set(_bearing(a)), set(_bearing(b))), key=len)
    return len(fewer) > 1 and fewer < more and not more - fewer <= _SAYING


def _bearing(text: Words) -> list[str]:
    return [root for root, word in zip(text.stems, text.words, strict=True) if word not in _LEFT_OUT and not word[0].isdigit()]


def _alike(one: str, other: str) -> bool:
    if not _SYNONYMS.get(one, set()).isdisjoint(_SYNONYMS.get(other, ())):
        return True
    shorter, longer = sorted((one, other), key=len)
    return 3 < len(shorter) < len(longer) and (longer.startswith(shorter[:-1]) or _misspelt(shorter, longer))


def _misspelt(one: str, other: str) -> bool:
    """Whether the longer has one letter more, and not in the first place. Another letter is another word: sulfate and sulfite."""
    if len(one) < 5 or len(other) - len(one) > 1:
        return False
    same = next((at for at, (mine, its) in enumerate(zip(one, other, strict=False)) if mine != its), len(one))
    return same > 0 and one[same:] == other[same + 1 :]
