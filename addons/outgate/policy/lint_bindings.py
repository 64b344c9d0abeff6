"""Find placeholders that cannot be told apart."""

from collections.abc import Iterator

from outgate.errors import Problem
from outgate.policy.schema import PolicySection
from outgate.policy.source import Source


def indistinct(source: Source, policy: PolicySection) -> Iterator[Problem]:
    """Texts of placeholders that hold another one's: whichever is found, the other one may be meant."""
    texts = {(provider, name): each.text for provider, to in policy.providers.items() for name, each in to.placeholders.items()}
    for (provider, name), text in texts.items():
        inner = next((other for (_, other), each in texts.items() if each in text and each != text), None)
        if inner is not None:
            message = f"the text of the placeholder {name!r} holds that of {inner!r}"
            place = ("providers", provider, "placeholders", name, "text")
            yield source.problem("E_PLACEHOLDER_WITHIN", message, place, "take another text: `outgate placeholder` makes one")
