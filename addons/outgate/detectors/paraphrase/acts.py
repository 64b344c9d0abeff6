"""Act that a text asks for: to summarise, to translate, to reply, to add up; a text that asks for another is another question."""

from outgate.detectors.paraphrase.words import Words

_ACTS = {
    word: group.split()[0]
    for group in (
        "summarise summarize shorten condense,translate,list enumerate,write draft compose,reply respond,thank,add,subtract,"
        "multiply,round,check verify,count,explain describe,compare,"
        "capitalise capitalize,sort arrange,correct proofread,lengthen expand,delete,"
        "call phone,remind,play,send,rewrite rephrase paraphrase,merge combine"
    ).split(",")
    for word in group.split()
}
_ALIKE = frozenset(
    frozenset(pair.split("/"))
    for pair in "write/reply write/send correct/rewrite correct/check explain/compare summarise/explain list/explain write/rewrite "
    "write/list write/explain write/thank write/remind reply/thank reply/send thank/send".split()
)
"""Acts that one text may ask for under either name."""
_AHEAD = frozenset("please pls can could would will you to i want need me help and kindly just hi hello hey ok like".split())


def act_differs(a: Words, b: Words) -> bool:
    """Whether both texts open with an act, and not the same."""
    ours, theirs = _act(a), _act(b)
    return bool(ours and theirs) and ours != theirs and frozenset((ours, theirs)) not in _ALIKE


def _act(text: Words) -> str:
    """The act of the first word that is more than politeness."""
    opening = next((word for word in text.words if word not in _AHEAD and word not in {",", "!"}), "")
    return _ACTS.get(opening, "")
