"""Kind of thing that a question asks for: a person, a time, a place, a reason, a manner, an amount."""

import re

from outgate.detectors.paraphrase.words import Words

_THING = r"(?:what|which)(?: is| was| are| were)?(?: the| a| an)?(?: (?:exact|main|best|current|average|total|real|usual))? "
_KINDS = {
    "amount": rf"how (?:many|much)|{_THING}(?:number|amount|price|cost|total|count|quantity|sum|population)"
    "|what does .{0,60}cost",
    "duration": "how long|how much time|how many (?:hours|days|minutes|weeks|months|years|seconds)"
    f"|{_THING}(?:duration|length of time)",
    "distance": f"how far|{_THING}distance",
    "age": f"how old|{_THING}age",
    "frequency": f"how (?:often|frequently|regularly)|how many times|{_THING}frequency",
    "person": f"who|whom|whose|{_THING}(?:person|people|man|woman|scientist|president|author|inventor|artist|actor|king|leader"
    "|names? of the (?:person|man|woman))",
    "time": "when|how soon|(?:in|on|at|by) (?:what|which) (?:time|year|date|day|month|age|point)"
    f"|{_THING}(?:time|year|date|day|month|century|decade|week)",
    "place": f"where|{_THING}(?:place|city|country|state|location|site|region|room|address|store|shop|website)",
    "reason": "why|how come|(?:what|for what)(?: is| was| are| were)?(?: the)?(?: main)? (?:reason|cause|purpose|point|rationale"
    "|makes?|made|causes|caused|explains?|leads?|drives?)",
    "manner": "how (?:to|do|does|did|can|could|should|would|is|are|i|we|you|will|might)"
    "|what is the (?:best |easiest |right )?(?:way|method|procedure|process)",
    "thing": "what|which",
}
_ASKED = re.compile("|".join(f"(?P<{kind}>\\b(?:{pattern})\\b)" for kind, pattern in _KINDS.items()))
_LEAD = re.compile(
    r"(?:\b(?:know|tell|say|explain|wonder|wondering|ask|asking|sure|curious|out"
    r"|understand|idea|remember|see|about|and|but|so|hi|hey"
    r"|please|you|me|ok|okay|exactly|like|guys"
    r"|question|anyone|from|in|at|to|by|for|on|of|since|until|check|determine|learn)|[?!,]) \Z"
)
_OPEN = frozenset("is are was were do does did can could should will would has have may must".split())
_LEADS_ON = re.compile(r"\b(?:or|way|ways|possible|able|know|tell|what|which|who|when|where|why|how)\b")
_ALIKE = ({"amount", "duration", "age", "distance", "frequency"}, {"duration", "time", "age"}, {"thing"})
"""Kinds that one question may be both of: `how long until` and `when`. `What` may ask for anything."""


def question_differs(a: Words, b: Words) -> bool:
    """Whether both texts say what they ask for, and it is not the same: who and when, why and how."""
    ours, theirs = _asked(a), _asked(b)
    if not ours or not theirs or ours == theirs:
        return False
    return not any((ours in group and theirs in group) or "thing" in group & {ours, theirs} for group in _ALIKE)


def _asked(text: Words) -> str:
    """The kind of the first question word; empty where it does not open a clause that asks, as in `how to stop when tired`."""
    joined = " ".join(text.words)
    found = _ASKED.search(joined)
    if text.words[:1] and text.words[0] in _OPEN and text.words[1:2] and text.words[1] not in {"you", "there", "anyone", "someone"}:
        return "" if _LEADS_ON.search(joined) else "whether"
    if found is None or (found.start() and not _LEAD.search(joined[: found.start()])):
        return ""
    return str(found.lastgroup)
