"""Admit regular expressions of a policy: only those whose time is bounded by the text, whatever the text is.

Every repeat is bounded, and the ways in which the pattern can be tried at one position are counted and limited; look-arounds and
back-references are refused. Source of the trouble: OWASP, Regular expression Denial of Service.
"""

import re
from typing import Any

from outgate.detectors.regex_engines import ops, parse

LONGEST = 300
MOST_WAYS = 64
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)
_REFUSED = {ops.GROUPREF, ops.GROUPREF_EXISTS, ops.ASSERT, ops.ASSERT_NOT}


def bounded(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled, for lower-case text. Raises ValueError, naming what is not bounded, and never for what it matches."""
    if len(pattern) > LONGEST:
        raise ValueError(f"a pattern has at most {LONGEST} characters")
    try:
        tree = parse(pattern, re.IGNORECASE)
    except (re.error, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    ways = _ways(tree)
    if ways > MOST_WAYS:
        raise ValueError(
            f"the pattern can be tried in {ways} ways at one place, at most {MOST_WAYS} are allowed: lower its repeats"
        )
    compiled = re.compile(pattern, re.IGNORECASE)
    if compiled.search("") is not None:
        raise ValueError("the pattern matches nothing at all, that is, everything")
    return compiled


def _ways(tree: Any) -> int:
    """In how many ways the items of a pattern can be tried one after the other."""
    ways = 1
    for op, argument in tree:
        ways *= _item_ways(op, argument)
        if ways > 1_000_000:
            return ways
    return ways


def _item_ways(op: Any, argument: Any) -> int:
    if op in _REFUSED:
        raise ValueError("look-arounds and back-references are not allowed")
    if op is ops.BRANCH:
        return sum(_ways(branch) for branch in argument[1])
    if op is ops.SUBPATTERN:
        return _ways(argument[3])
    if op is ops.ATOMIC_GROUP:
        return _ways(argument)
    if op in _REPEATS:
        least, most, inner = argument
        if most is ops.MAXREPEAT or most > LONGEST:
            raise ValueError("every repeat needs an upper bound: write {0,20}, not *")
        return int((most - least + 1) * min(_ways(inner), 1_000) ** min(most, 4))
    return 1
