"""Language of a text: another one than English is not judged, and one that an answer is asked for in has to be the same."""

import re

from outgate.detectors.paraphrase.words import Words

_ENGLISH = frozenset(
    "the a an of to in is are was were be do does did how what which who whom whose why where when can could will would should "
    "may might i you we they he she it my your our their this that these those and or not with without for from by at on about "
    "into than as if any "
    "some all me us him her them please tell show give explain have has had there between like want need get make "
    "best write find".split()
)
_OTHERS = frozenset(
    "der die das und ist ein eine nicht wie wer wo warum wann ich mit von zu den dem des auf fuer fur im bei le la les est une "
    "des du et que qui quoi comment pourquoi quand ou je tu nous vous avec dans sur pas quel quelle el los las es una unos que "
    "como cuando donde por porque quien cual con para del al il lo gli che chi perche quando dove sono della di e um uma os as o "
    "nao qual quem onde ao dos het een niet hoe wat waarom "
    "wanneer waar van op och att det som inte hur vad jak co gdzie kiedy czy nie jest nasil nedir ne icin ve bir".split()
) - _ENGLISH  # fmt: skip
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
LANGUAGES = frozenset(
    "english french german spanish italian portuguese dutch polish russian ukrainian czech swedish norwegian danish finnish "
    "greek turkish arabic hebrew hindi urdu bengali tamil telugu punjabi persian farsi chinese mandarin cantonese japanese "
    "korean vietnamese thai "
    "indonesian malay swahili latin esperanto romanian hungarian bulgarian serbian croatian catalan irish "
    "welsh icelandic tagalog".split()
)
_BEFORE = frozenset({"in", "into", "to", "from", "speak", "using"})


def is_judged(text: Words) -> bool:
    """Whether the text is English, as far as its letters and small words show. Anything else is not judged."""
    letters = [char for char in text.text if char.isalpha()]
    if not letters or sum(_LATIN.match(char) is not None for char in letters) < len(letters):
        return False
    foreign = sum(word in _OTHERS for word in text.words)
    return foreign == 0 or foreign < sum(word in _ENGLISH for word in text.words)


def language_differs(a: Words, b: Words) -> bool:
    """Whether an answer or a translation is asked for in another language."""
    return not (_asked(a).issubset(b.words) and _asked(b).issubset(a.words))


def _asked(text: Words) -> set[str]:
    words = text.words
    return {word for at, word in enumerate(words) if word in LANGUAGES and words[at - 1 : at] and words[at - 1] in _BEFORE}
