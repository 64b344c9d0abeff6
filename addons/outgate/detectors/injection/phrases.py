"""An operator's own phrases: whole words in any disguise."""

from collections.abc import Iterator, Sequence

from outgate.detectors.injection.expressions import phrase
from outgate.detectors.injection.views import View
from outgate.detectors.normalise import fold, unescape
from outgate.detectors.regex_engines import Linear

_LONG = 9
"""Letters of a phrase that is looked for in bare letters, too: a shorter one would be found by chance."""


class OwnPhrases:
    """A list of phrases, each named by its place from 1."""

    def __init__(self, phrases: Sequence[str]) -> None:
        normal = ((f"phrase.{number}", " ".join(words(unescape(text)))) for number, text in enumerate(phrases, 1))
        self._phrases = [(name, text) for name, text in normal if text]
        bare = [(name, text.replace(" ", "").encode()) for name, text in self._phrases if text.isascii()]
        self._bare = [(name, text) for name, text in bare if len(text) >= _LONG]
        self._written = Linear("|".join(phrase(text) for _, text in self._phrases)) if self._phrases else None
        self.names = tuple(name for name, _ in self._phrases)

    def find(self, view: View) -> Iterator[str]:
        """The names of the phrases in a text."""
        if self._written is None:
            return
        if self._written.search(view.written):
            reading = f" {' '.join(words(view.folded))} "
            yield from (name for name, text in self._phrases if f" {text} " in reading)
        for name, text in self._bare:
            at = view.letters.find(text)
            while at >= 0:
                if view.whole(*view.places([(at, at + len(text))])[0]):
                    yield name
                    break
                at = view.letters.find(text, at + 1)


def words(text: str) -> list[str]:
    """The words of a text in lower case; what holds a digit is none."""
    lower = fold(text).lower()
    return [word for word in "".join(char if char.isalnum() else " " for char in lower).split() if word.isalpha()]
