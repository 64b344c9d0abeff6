"""The regular-expression engines, both without backtracking: time is linear in the text, whatever the expression.

* `Linear` is RE2: it tells places.
* `Automaton` runs on the Rust engine that pydantic-core brings for its string schemas, and is the only thing here that uses what
  its package does not promise. It says only yes or no. A release may drop `regex_engine` or `isinstance_python`.

`tests/detectors/test_regex_engines.py` names what has changed.
"""

from collections.abc import Callable, Iterator

import re2
from pydantic_core import SchemaValidator, core_schema


class Automaton:
    """One expression in the syntax of the Rust crate `regex`: no look-arounds, no back-references.

    Every character beyond ASCII counts as `?`. Raises pydantic_core.SchemaError for an expression that is wrong or too large.
    """

    __slots__ = ("search_ascii",)

    search_ascii: Callable[[str], bool]
    """`search` for a text that is known to be ASCII."""

    def __init__(self, expression: str) -> None:
        schema = core_schema.str_schema(strict=True, pattern=expression, regex_engine="rust-regex")
        self.search_ascii = SchemaValidator(schema).isinstance_python

    def search(self, text: str) -> bool:
        """Whether the text holds a match anywhere."""
        return self.search_ascii(text if text.isascii() else text.encode("ascii", "replace").decode())


class Linear:
    """One expression in RE2's syntax over bytes: ASCII, or UTF-8 where `utf8` says so. `memory` bounds program and states.

    Raises ValueError for an expression that is wrong or too large.
    """

    __slots__ = ("_compiled",)

    def __init__(self, expression: str, *, any_case: bool = True, utf8: bool = False, memory: int = 8 * 1024 * 1024) -> None:
        options = re2.Options()
        options.case_sensitive, options.never_capture, options.log_errors = not any_case, True, False
        options.encoding = re2.Options.Encoding.UTF8 if utf8 else re2.Options.Encoding.LATIN1
        options.max_mem = memory
        try:
            self._compiled = re2.compile(expression.encode(), options)
        except re2.error as error:
            raise ValueError(f"not a regular expression: {error}") from None

    def search(self, text: bytes, start: int = 0, end: int | None = None) -> bool:
        """Whether a match stands between two places; what is around them is seen, so that `^` is the beginning of the text."""
        return self._compiled.search(text, start, end) is not None

    def spans(self, text: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
        """Where matches stand that do not overlap, from the first on."""
        return (match.span() for match in self._compiled.finditer(text, start, end))
