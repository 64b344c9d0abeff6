"""Spellings that models and renderers give a placeholder: none keeps its value away, and the value takes the same escapes."""

import html
import json
from urllib.parse import quote

import pytest

from detectors.pii.restored import CARD, EMAIL, OTHER, VALUES, same_in_any_cut
from outgate.detectors.pii.restoring import RESTORED

CHANGED = {
    "lower case": EMAIL.lower(),
    "upper case": EMAIL.upper(),
    "title case": EMAIL.title(),
    "identifier": EMAIL.replace("_", ""),
    "kebab case": EMAIL.lower().replace("_", "-"),
    "a space": EMAIL.replace("_", " "),
}


@pytest.mark.parametrize("name", CHANGED)
def test_another_spelling_that_can_mean_nothing_else_is_restored(name: str) -> None:
    assert {RESTORED: 1} == same_in_any_cut(f"to {CHANGED[name]}.", "to bob@example.com.")


def _markdown(text: str) -> str:
    return text.replace("_", "\\_")


ESCAPED = {
    "html, all signs as numbers": (lambda text: text.replace("_", "&#95;"), html.escape),
    "html, hexadecimal": (lambda text: text.replace("_", "&#x5F;"), html.escape),
    "html, by name": (lambda text: text.replace("_", "&lowbar;"), html.escape),
    "html brackets": (lambda text: html.escape(f"<{text}>"), lambda value: f"&lt;{html.escape(value)}&gt;"),
    "percent": (lambda text: text.replace("_", "%5F"), lambda value: quote(value, safe="")),
    "percent brackets": (lambda text: quote(f"<{text}>"), lambda value: f"%3C{quote(value, safe='')}%3E"),
    "json": (lambda text: text.replace("_", "\\u005f"), lambda value: json.dumps(value, ensure_ascii=False)[1:-1]),
    "json brackets": (
        lambda text: f"\\u003c{text}\\u003e",
        lambda value: f"\\u003c{json.dumps(value, ensure_ascii=False)[1:-1]}\\u003e",
    ),
    "markdown": (_markdown, _markdown),
    "markdown brackets": (lambda text: f"\\<{text}\\>", lambda value: f"\\<{value}\\>"),
}


@pytest.mark.parametrize("placeholder", [EMAIL, OTHER, CARD])
@pytest.mark.parametrize("name", ESCAPED)
def test_a_value_takes_the_escapes_that_its_placeholder_was_written_with(name: str, placeholder: str) -> None:
    escape, expected = ESCAPED[name]
    value = VALUES[placeholder]
    if name == "markdown":
        expected = lambda value: value.replace("\\", "\\\\")
    assert {RESTORED: 1} == same_in_any_cut(f"a {escape(placeholder)} b", f"a {expected(value)} b")
