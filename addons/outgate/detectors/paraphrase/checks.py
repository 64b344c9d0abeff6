"""All checks of a pair, in the order in which a veto is named."""

from collections.abc import Callable

from outgate.detectors.paraphrase.antonyms import antonyms_differ
from outgate.detectors.paraphrase.code import code_differs
from outgate.detectors.paraphrase.dates import dates_differ
from outgate.detectors.paraphrase.exchange import exchange_differs
from outgate.detectors.paraphrase.language import is_judged, language_differs
from outgate.detectors.paraphrase.names import kinds_differ, names_differ, quotes_differ
from outgate.detectors.paraphrase.negation import negation_differs
from outgate.detectors.paraphrase.numbers import numbers_differ, units_differ
from outgate.detectors.paraphrase.order import order_differs
from outgate.detectors.paraphrase.questions import question_differs
from outgate.detectors.paraphrase.scope import form_differs, scope_differs
from outgate.detectors.paraphrase.words import Words, read

CHECKS: dict[str, Callable[[Words, Words], bool]] = {
    "number": numbers_differ,
    "unit": units_differ,
    "date": dates_differ,
    "negation": negation_differs,
    "antonym": antonyms_differ,
    "kind": kinds_differ,
    "name": names_differ,
    "quote": quotes_differ,
    "scope": scope_differs,
    "order": order_differs,
    "question": question_differs,
    "form": form_differs,
    "language": language_differs,
    "code": code_differs,
    "exchange": exchange_differs,
}
NOT_JUDGED = "not_english"
"""The veto where no check can read a text: what is not judged is not served."""


def vetoes(a: str, b: str) -> tuple[str, ...]:
    """Names of the checks that tell the two texts apart."""
    ours, theirs = read(a), read(b)
    if not (is_judged(ours) and is_judged(theirs)):
        return (NOT_JUDGED,)
    return tuple(name for name, differ in CHECKS.items() if differ(ours, theirs))
