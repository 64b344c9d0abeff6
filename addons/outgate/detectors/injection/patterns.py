"""Admit regular expressions of a policy: RE2's syntax, so that their time is linear in the text, whatever the text is."""

from outgate.detectors.regex_engines import Linear

LONGEST = 300
_MEMORY = 1024 * 1024


def bounded(pattern: str) -> Linear:
    """The pattern, compiled. Raises ValueError for what is no expression of RE2, too large, or matches everything."""
    if len(pattern) > LONGEST:
        raise ValueError(f"a pattern has at most {LONGEST} characters")
    compiled = Linear(pattern, utf8=True, memory=_MEMORY)
    if compiled.search(b""):
        raise ValueError("the pattern matches nothing at all, that is, everything")
    return compiled
