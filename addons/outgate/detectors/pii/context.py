"""Raise the score of a match by the words around it.

The factors are presidio's (0.35 more, at least 0.4); the search is our own, because presidio's walks the whole text once for each
match. Words are compared by a plain lemma, so that no language model is needed.
"""

import re
from bisect import bisect_left
from typing import Any

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer

_WORD = re.compile(r"[^\W\d_]+")
_BEFORE, _AFTER = 5, 2
_REACH = 80
"""Characters within which these words begin, before a match, and end, after it: a slice of the text shows the same words."""


def lemma(word: str) -> str:
    """The word in lower case, without a plural ending."""
    lower = word.lower()
    return lower[:-1] if len(lower) > 3 and lower.endswith("s") and not lower.endswith("ss") else lower


class NearbyWords(ContextAwareEnhancer):  # type: ignore[misc]
    """Raises the score of a result with one of its recognizer's context words beside it: among five before, two after, in reach."""

    def __init__(self) -> None:
        super().__init__(
            context_similarity_factor=0.35,
            min_score_with_context_similarity=0.4,
            context_prefix_count=_BEFORE,
            context_suffix_count=_AFTER,
        )

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: Any,  # noqa: ARG002
        recognizers: list[EntityRecognizer],
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        """presidio's port: the results, scores raised in place where the context speaks for them."""
        if not raw_results:
            return raw_results
        hints = {recognizer.id: {lemma(word.strip()) for word in recognizer.context or ()} for recognizer in recognizers}
        words = list(_WORD.finditer(text))
        starts = [word.start() for word in words]
        for result in (one for one in raw_results if one.score < 1.0):
            wanted = hints.get(result.recognition_metadata[RecognizerResult.RECOGNIZER_IDENTIFIER_KEY], set())
            first, last = bisect_left(starts, result.start), bisect_left(starts, result.end)
            near = words[max(0, first - _BEFORE) : first] + words[last : last + _AFTER]
            reached = {
                lemma(word[0]) for word in near if word.start() >= result.start - _REACH and word.end() <= result.end + _REACH
            }
            if not wanted.isdisjoint(reached | set(context or ())):
                boosted = result.score + self.context_similarity_factor
                result.score = min(1.0, max(boosted, self.min_score_with_context_similarity))
        return raw_results
