"""What a mistake in YAML's syntax means to the one who made it, and what mends it."""

import re

from ruamel.yaml.error import MarkedYAMLError

_TAB = re.compile(r"^ *\t")
_CROWDED = re.compile(r"^ *(- )?[\w.-]+:[^\s/:]")
_QUOTE = "put the text in quotes"
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a `: ` where no key can stand",
        "align this line with its neighbours, or put text that holds `: ` in quotes",
    ),
    ("that cannot start any token", "text that begins with a sign of YAML's own", _QUOTE),
    ("expected alphabetic or numeric", "text that begins with a sign of YAML's own", _QUOTE),
    ("unknown escape character", "a backslash in double quotes that YAML does not know", "use single quotes"),
    ("unexpected end of stream", "a quote that is never closed", "close the quote"),
    ("expected ',' or ']'", "a list in brackets that is not closed", "close it with `]`"),
    ("expected ',' or '}'", "a mapping in braces that is not closed", "close it with `}`"),
    ("expected the node content", "an unfinished list or mapping in brackets", "close it"),
    ("expected <block end>", "this line is not indented as those it belongs to", "align it: keys with keys, `- ` items with items"),
    ("could not find expected ':'", "a key without its `:`", "write `key: value`"),
)


def syntax_mistake(text: str, error: MarkedYAMLError) -> tuple[int, str, str]:
    """Line, message and repair."""
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    lines = text.split("\n")
    tabs = [number for number, each in enumerate(lines, 1) if number >= line and _TAB.match(each)]
    problem = str(error.problem)
    if tabs or "'\\t'" in problem:
        also = f" (also on lines {', '.join(map(str, tabs[1:]))})" if tabs[1:] else ""
        return (
            (tabs or [line])[0],
            f"not YAML: a tab; YAML is indented and parted by spaces only{also}",
            "write spaces in place of tabs",
        )
    before = next((each for each in reversed(lines[: line - 1]) if each.strip()), "")
    if "mapping values are not allowed" in problem and _CROWDED.match(before):
        return line, "not YAML: the line before has no space after its colon", "write `key: value`, with the space"
    since = f", opened on line {error.context_mark.line + 1}" if error.context_mark else ""
    for sign, meaning, repair in _MEANINGS:
        if sign in problem:
            return line, f"not YAML: {meaning}{since if 'close' in repair else ''}", repair
    return line, f"not YAML: {problem}", "compare this line and the one before it with those around: indentation, quotes, brackets"
