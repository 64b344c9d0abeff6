"""All checks of a pair, in the order in which a veto is named."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from outgate.detectors.paraphrase.acts import act_differs
from outgate.detectors.paraphrase.antonyms import antonyms_differ
from outgate.detectors.paraphrase.code import code_differs
from outgate.detectors.paraphrase.dates import dates_differ
from outgate.detectors.paraphrase.exchange import added_differs, exchange_differs, unknown_differs
from outgate.detectors.paraphrase.language import is_judged, language_differs
from outgate.detectors.paraphrase.names import kinds_differ, names_differ, quotes_differ
from outgate.detectors.paraphrase.negation import negation_differs
from outgate.detectors.paraphrase.numbers import numbers_differ, units_differ
from outgate.detectors.paraphrase.order import moved_differs, order_differs
from outgate.detectors.paraphrase.persons import person_differs, tense_differs
from outgate.detectors.paraphrase.questions import question_differs
from outgate.detectors.paraphrase.scope import form_differs, scope_differs
from outgate.detectors.paraphrase.signs import calls_differ, capitals_differ, signs_differ
from outgate.detectors.paraphrase.words import Words, read

type Check = Callable[[Words, Words], bool]

CHECKS: dict[str, Check] = {
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
    "act": act_differs,
    "person": person_differs,
    "tense": tense_differs,
    "exchange": exchange_differs,
    "unknown": unknown_differs,
    "sign": signs_differ,
    "call": calls_differ,
    "capital": capitals_differ,
}
DOUBTS: dict[str, Check] = {"added": added_differs, "moved": moved_differs}
"""Signs that often tell two questions apart, and sometimes do not: the verifier has to be surer."""
NOT_JUDGED = "not_english"
"""The veto where no check can read a text: what is not judged is not served."""


class Differences(NamedTuple):
    """Names of the checks that tell two texts apart, and of the signs that make it likely."""

    vetoes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def differences(a: str, b: str) -> Differences:
    """What tells two texts apart. Doubts are looked for where there is no veto."""
    ours, theirs = read(a), read(b)
    if not (is_judged(ours) and is_judged(theirs)):
        return Differences((NOT_JUDGED,))
    vetoes = _found(CHECKS, ours, theirs)
    return Differences(vetoes, () if vetoes else _found(DOUBTS, ours, theirs))


def _found(checks: Mapping[str, Check], a: Words, b: Words) -> tuple[str, ...]:
    return tuple(name for name, differ in checks.items() if differ(a, b))
