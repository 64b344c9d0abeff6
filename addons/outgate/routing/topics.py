"""Topics of a policy: phrases that show what belongs to each name, and phrases that belong to none."""

from collections.abc import Iterator
from typing import Annotated, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from outgate.pipeline.stage import Settings

type Phrase = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000),
    Field(description="a phrase as a caller would write it", examples=["why does this test fail?"]),
]
type Phrases = tuple[Phrase, ...]


class SemanticRule(Settings):
    """Compare the last question with phrases of the policy. Undecided below `threshold`, and where two names are as likely."""

    names: dict[str, Phrases | dict[str, Phrases]] = Field(min_length=1)
    """Name to its phrases, better yet to its topics, each with 3 to 10 phrases. A list without topics is divided into clusters."""
    none_of_these: Phrases = ()
    """Phrases that belong to no name: 20 and more make out-of-scope questions much easier to tell."""
    model: str = "default"
    """Embedder, a name under the policy's `models`; without one, the packaged model."""
    threshold: float = 0.35
    """Least score, from about 0 (nothing like it) to 1; `outgate evaluate routing` shows what a threshold keeps and refuses."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.1
    """By how much the best name must be more likely than the next, of 1."""

    @model_validator(mode="after")
    def _phrases_everywhere(self) -> Self:
        lacking = [f"{topic.name}.{topic.title}".rstrip(".") for topic in topics_of(self) if not topic.phrases]
        lacking += [name for name, written in self.names.items() if written == {}]
        if lacking:
            raise ValueError(f"no phrase is given for {', '.join(lacking)}")
        return self


class RestrictedTopics(SemanticRule):
    """Topics that nobody may touch: a text between two of them is restricted, too, and so no lead is asked for."""

    threshold: float = 0.5
    """Least score, from about 0 (nothing like it) to 1; docs/results/topics.md shows what a threshold finds."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.0
    """By how much the best topic must be more likely than the next, of 1. Above 0, what lies between two topics passes."""


class Topic(NamedTuple):
    """Phrases of one name that are one thing, or, without a title, of several that clustering tells apart."""

    name: str
    title: str
    phrases: Phrases


FEW = 5
"""Fewer phrases of one name show little of what belongs to it."""


def topics_of(rule: SemanticRule) -> list[Topic]:
    """Every topic of a rule, in the order of the policy."""
    return [
        Topic(name, title, phrases)
        for name, written in rule.names.items()
        for title, phrases in (written.items() if isinstance(written, dict) else [("", written)])
    ]


def doubts(rule: SemanticRule) -> Iterator[tuple[str, str, str]]:
    """What makes a rule decide badly, as code, cause and repair."""
    owners: dict[str, set[str]] = {}
    for topic in topics_of(rule):
        for phrase in topic.phrases:
            owners.setdefault(" ".join(phrase.lower().split()), set()).add(topic.name)
    for phrase in rule.none_of_these:
        owners.setdefault(" ".join(phrase.lower().split()), set()).add("none_of_these")
    for name in rule.names:
        count = sum(len(topic.phrases) for topic in topics_of(rule) if topic.name == name)
        if count < FEW:
            message = f"the semantic rule knows {name!r} by {count} {'phrase' if count == 1 else 'phrases'} in all"
            repair = f"write {FEW} and more, 3 to 10 for each of its topics: docs/results/routing.md has figures"
            yield "W_FEW_EXEMPLARS", message, repair
    for phrase, names in owners.items():
        if len(names) > 1:
            message = f"the semantic rule has one phrase under {' and '.join(sorted(names))}: {phrase[:80]!r}"
            yield "W_EXEMPLAR_TWICE", message, "keep it where it belongs"
