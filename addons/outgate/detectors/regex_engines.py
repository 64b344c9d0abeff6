"""The regular-expression engines: the only file here that uses what their packages do not promise.

* `Automaton` runs on the Rust engine that pydantic-core brings for its string schemas: no backtracking, all alternatives in one
  pass, about 2 ns for a character. It says only yes or no. A release may drop `regex_engine` or `isinstance_python`.
* `parse` and `ops` are the private parser of the standard library's `re`. A release of Python may change the trees.

`tests/detectors/test_regex_engines.py` names what has changed.
"""

from collections.abc import Callable
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]

from pydantic_core import SchemaValidator, core_schema

__all__ = ["Automaton", "ops", "parse"]

parse = _parser.parse


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
