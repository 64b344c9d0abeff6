"""Placeholders as a test reads them: numbered by first appearance, `<EMAIL_1>`, whatever the key they were made with."""

import re
from collections.abc import Sequence

from outgate.detectors.pii.placeholders import ALPHABET, LABELS, LETTERS, Naming
from outgate.stores.state_secret import SIZE, StateSecret

SECRET = StateSecret(bytes(SIZE))
SHAPE = re.compile(rf"\b({'|'.join(LABELS.values())})_[{ALPHABET}]{{{LETTERS}}}(?![a-z])")


def placeholder(
    value: str, entity: str = "EMAIL_ADDRESS", *, workload: str = "w", tenant: str = "default", secret: StateSecret = SECRET
) -> str:
    """The placeholder of a value for a workload of a gateway; its secret is zeros unless it is given."""
    return Naming(secret.derive("placeholders", tenant, workload)).placeholder(entity, value)


def numbered(*texts: str) -> tuple[str, ...]:
    """The texts with their placeholders numbered."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}

    def name(match: re.Match[str]) -> str:
        if match[0] not in names:
            counts[match[1]] = counts.get(match[1], 0) + 1
            names[match[0]] = f"<{match[1]}_{counts[match[1]]}>"
        return names[match[0]]

    return tuple(SHAPE.sub(name, text) for text in texts)


def names_in(texts: Sequence[str]) -> list[str]:
    """Placeholders in the order in which they stand."""
    return [match[0] for text in texts for match in SHAPE.finditer(text)]
