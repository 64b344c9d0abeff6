"""Whole answers and errors of the Gemini API, from and to answers of a conversation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outgate.dialects.citations import quoted
from outgate.dialects.gemini.codec import provider_error
from outgate.dialects.gemini.convert_contents import call_part, seal_of
from outgate.dialects.gemini.convert_parts import PartReader
from outgate.dialects.gemini.parts import candidates, member, parts_of, spelled
from outgate.dialects.gemini.stream import usage_of
from outgate.dialects.gemini.tables import FINISHES, other_spelling
from outgate.dialects.parameters import thing, things, word
from outgate.dialects.refusals import said
from outgate.dialects.translation import Lose, unheard
from outgate.errors import WireError
from outgate.inference.conversation import Alternative, Answer, Call, Failure, Part, Refused, Spent, Text, Thought
from outgate.inference.stream import Finish

_REASONS = {
    Finish.STOP: "STOP",
    Finish.TOOL_CALLS: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.CONTENT_FILTER: "SAFETY",
}
_LOST = {"logprobsResult": "logprobs", "groundingMetadata": "citations", "finishMessage": "safety"}
_UNREAD = {spelling: what for name, what in _LOST.items() for spelling in (name, other_spelling(name))}
_UNKNOWN = "The provider answered with an error and no more."

type Tree = dict[str, Any]


def read_answer(tree: Mapping[str, Any], lose: Lose = unheard) -> Answer:
    """An answer. A prompt that was blocked has one that says nothing."""
    body = spelled(tree)
    found = tuple(_alternative(candidate, word(body, "responseId"), lose) for _, candidate in candidates(tree))
    if not found and not blocked(tree):
        raise WireError("no_answer", "the answer has no candidates")
    return Answer(
        word(body, "responseId"),
        word(body, "modelVersion"),
        found or (Alternative((), Finish.CONTENT_FILTER),),
        spent_of(tree),
    )


def _alternative(candidate: Mapping[str, Any], named: str, lose: Lose) -> Alternative:
    reader = PartReader(stem_of(named))
    parts = reader.parts(parts_of(candidate), "parts", said=True)
    lost_in(candidate, reader, lose)
    cited = citations_of(candidate, "".join(part.text for part in parts if isinstance(part, Text)), lose)
    first = next((at for at, part in enumerate(parts) if isinstance(part, Text)), None)
    if cited and first is not None:
        parts = (*parts[:first], parts[first]._replace(citations=cited), *parts[first + 1 :])  # type: ignore[call-arg]
    elif cited:
        lose("citations")
    calls = any(isinstance(part, Call) for part in parts)
    return Alternative(parts, finish_of(member(candidate, "finishReason"), calls=calls))


def lost_in(candidate: Mapping[str, Any], reader: PartReader, lose: Lose) -> None:
    """Tell what a candidate holds, and what the reader of its parts met, that no other dialect can say."""
    for name in _UNREAD.keys() & candidate.keys():
        if candidate[name]:
            lose(_UNREAD[name])
    while reader.losses:
        lose(reader.losses.pop().what)


def stem_of(named: str) -> str:
    """What the ids of the calls of an answer begin with, where its provider gave none: no two answers share them."""
    return f"call_{named}" if named else "call"


def blocked(tree: Mapping[str, Any]) -> bool:
    """Whether the prompt was refused."""
    return bool(spelled(thing(spelled(tree), "promptFeedback")).get("blockReason"))


def finish_of(reason: Any, *, calls: bool) -> Finish:
    """Why a candidate ended: one that calls functions stops for them, one that does not say is whole."""
    finish = FINISHES.get(str(reason), Finish.OTHER) if reason else Finish.STOP
    return Finish.TOOL_CALLS if calls and finish is Finish.STOP else finish


def reason_of(finish: Finish, *, refused: bool) -> str:
    """The `finishReason` of a candidate."""
    return "SAFETY" if refused else _REASONS.get(finish, "OTHER")


def spent_of(tree: Mapping[str, Any]) -> Spent | None:
    """Tokens of an answer; None where it tells none."""
    told = usage_of(tree)
    if told is None:
        return None
    return Spent(told.input_tokens or 0, told.output_tokens or 0, told.cached_tokens or 0, reasoning=told.reasoning_tokens or 0)


def counts(spent: Spent | None) -> Tree:
    """`usageMetadata`, in which thoughts stand apart from what was said."""
    if spent is None:
        return {}
    told = {
        "promptTokenCount": spent.input,
        "candidatesTokenCount": max(0, spent.output - spent.reasoning),
        "totalTokenCount": spent.input + spent.output,
        **({"cachedContentTokenCount": spent.cached} if spent.cached else {}),
        **({"thoughtsTokenCount": spent.reasoning} if spent.reasoning else {}),
    }
    return {"usageMetadata": told}


def citations_of(candidate: Mapping[str, Any], text: str, lose: Lose) -> tuple[Mapping[str, Any], ...]:
    """What the words of a candidate quote, by characters: the API counts bytes. Sources without an address are lost."""
    metadata = spelled(thing(spelled(candidate), "citationMetadata"))
    told = metadata.get("citationSources") or metadata.get("citations")
    sources = things(told, "citationMetadata")
    found = tuple(_citation(spelled(each), text.encode()) for each in sources if each.get("uri"))
    if len(found) < len(sources):
        lose("citations")
    return found


def _citation(told: Mapping[str, Any], said: bytes) -> Mapping[str, Any]:
    start, end = (len(said[: told.get(name) or 0].decode(errors="ignore")) for name in ("startIndex", "endIndex"))
    titled = {"title": told["title"]} if told.get("title") else {}
    return {"type": "url_citation", "url": told["uri"], **titled, "start_index": start, "end_index": end}


def sources_of(citations: Sequence[Mapping[str, Any]], text: str) -> list[Tree]:
    """Citations of an address, in the forms of all APIs, as sources here."""
    return [source for citation in citations if (source := _source(citation, text)) is not None]


def _source(citation: Mapping[str, Any], text: str) -> Tree | None:
    found = quoted(citation)
    if found is None:
        return None
    ends = zip(("startIndex", "endIndex"), found.place or (), strict=False)
    place = {name: len(text[:at].encode()) for name, at in ends}
    return {**place, "uri": found.url, **({"title": found.title} if found.title else {})}


def write_answer(answer: Answer) -> Mapping[str, Any]:
    """See `translation.Converter`."""
    listed = [_candidate(each, at) for at, each in enumerate(answer.alternatives)]
    return {"candidates": listed, **counts(answer.usage), **envelope(answer.id, answer.model)}


def envelope(named: str, model: str) -> Tree:
    """What stands in an answer, and in every event of one."""
    return {"modelVersion": model, "responseId": named}


def _candidate(ended: Alternative, index: int) -> Tree:
    sources = [source for part in ended.parts if isinstance(part, Text) for source in sources_of(part.citations, part.text)]
    refused = any(isinstance(part, Refused) for part in ended.parts)
    return {
        "content": {"parts": list(_written(ended.parts)), "role": "model"},
        "finishReason": reason_of(ended.finish, refused=refused),
        "index": index,
        **({"citationMetadata": {"citationSources": sources}} if sources else {}),
    }


def _written(parts: Sequence[Part]) -> Iterator[Tree]:
    """Parts, each signature beside the part that its thought led to."""
    seal = ""
    for part in parts:
        if isinstance(part, Thought):
            yield from kept(seal, thought=True)
            yield from [{"text": part.text, "thought": True}] if part.text else []
            seal = seal_of(part)
        elif isinstance(part, Text | Refused | Call) and (isinstance(part, Call) or part.text):
            written = call_part(part) if isinstance(part, Call) else {"text": part.text}
            yield {**written, **({"thoughtSignature": seal} if seal else {})}
            seal = ""
    yield from kept(seal)


def kept(seal: str, *, thought: bool = False) -> list[Tree]:
    """A signature that stands beside nothing: a part without words holds it."""
    return [{"text": "", **({"thought": True} if thought else {}), "thoughtSignature": seal}] if seal else []


def read_failure(status: int, tree: Mapping[str, Any]) -> Failure:
    """See `translation.Converter`; in a stream, the error itself tells its status."""
    error = thing(tree, "error")
    code, message = error.get("code"), word(error, "message")
    known = code if isinstance(code, int) and 400 <= code < 600 else 500
    return Failure(status or known, word(error, "status"), message or said(tree) or _UNKNOWN)


def write_failure(failure: Failure) -> Mapping[str, Any]:
    """See `translation.Converter`: SDKs raise by the code, which is the status."""
    return provider_error(failure.status, failure.message, None)
