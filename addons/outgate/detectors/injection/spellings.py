"""Read a text as it would be written without disguise, for a classifier: letters set apart, signs within words, words turned round.

Each way is tried only where enough of the text is spelled so, and gives a further reading; the text itself is read anyhow. Linear.
"""

import codecs
import re
from collections.abc import Iterable, Iterator

from outgate.detectors.normalise import hidden_tags
from outgate.detectors.regex_engines import Linear

_ENOUGH = 3
"""Words that are spelled in one way before it counts."""
_MANY = 12
"""Signs that stand alone, and are most of a text, before its letters are taken to be set apart."""
_APART = re.compile(r"(?<![^\W_])[A-Za-z](?:[ \t\n.,*|/-]{1,4}[A-Za-z](?![^\W_])){7,}")
_BETWEEN_WORDS = re.compile(r"[ \t\n]{2,}")
_SIGNS, _BLANKS = re.compile(r"[A-Za-z][.,*|/-]{1,4}(?=[A-Za-z])"), re.compile(r"\s+")
_NO_LETTER = re.compile(r"[^A-Za-z ]+|(?<=[A-Za-z]) (?=[A-Za-z])")
_MARKED = re.compile(r"(?<=[A-Za-z])(?:\*\*|\*|__|`|~~)(?=[A-Za-z])")
_HYPHEN = re.compile(r"(?<=[a-z])-[ ]?\n?(?=[a-z])")
_LINE_END = re.compile(r"\\+[nrt]")
_MARKS = str.maketrans("", "", "*_`~")
_DIGIT = re.compile(r"(?<=[A-Za-z])[013457@$]+|[013457@$]+(?=[A-Za-z])")
_LEET_WORD = re.compile(r"\b[A-Za-z]*[a-z][013457@$]+[a-z][A-Za-z013457@$]*")
_LETTERS = str.maketrans("013457@$", "oieastas")
_COMMON = (
    "the",
    "you",
    "your",
    "this",
    "that",
    "with",
    "from",
    "all",
    "not",
    "please",
    "ignore",
    "system",
    "instructions",
    "previous",
)


def _turned(words: Iterable[str]) -> Linear:
    return Linear(rf"\b(?:{'|'.join(words)})\b")


_BACKWARDS, _ROTATED = _turned(word[::-1] for word in _COMMON), _turned(codecs.encode(word, "rot13") for word in _COMMON)


def spellings(text: str, original: str = "") -> Iterator[str]:
    """Further readings of a normalised text; `original` is the text before, whose tag characters are gone from this one."""
    if tags := hidden_tags(original):
        yield tags
    if len(_MARKED.findall(text)) >= _ENOUGH:
        yield text.translate(_MARKS)
    if text.count("_") >= _ENOUGH and " " not in text:
        yield text.replace("_", " ")
    plain, hyphens = _HYPHEN.subn("", text)
    if hyphens >= max(_ENOUGH, text.count(" ") / 8):
        yield plain
    plain, ends = _LINE_END.subn(" ", text)
    if ends >= _ENOUGH:
        yield plain
    if len(_LEET_WORD.findall(text)) >= _ENOUGH:
        yield _DIGIT.sub(lambda run: run[0].translate(_LETTERS), text)
    tokens = text.split()
    if len(tokens) >= _MANY and sum(len(token) == 1 for token in tokens) > len(tokens) / 2:
        yield " ".join("".join(word.split()) for word in _BETWEEN_WORDS.split(text))
    else:
        yield from (_joined(run) for run in _APART.findall(text))
    written = text.encode()
    if sum(1 for _ in _BACKWARDS.spans(written)) >= _ENOUGH:
        yield text[::-1]
    if sum(1 for _ in _ROTATED.spans(written)) >= _ENOUGH:
        yield codecs.encode(text, "rot13")


def _joined(run: str) -> str:
    """Letters that stand apart, as words where wider gaps divide them, or any blank where signs stand between the letters."""
    between = _BLANKS if len(_SIGNS.findall(run)) >= _ENOUGH else _BETWEEN_WORDS
    return " ".join(_NO_LETTER.sub("", word) for word in between.split(run))
