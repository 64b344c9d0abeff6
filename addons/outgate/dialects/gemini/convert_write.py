"""Writer of requests: a conversation becomes a request to `generateContent`, in the form that its model takes.

What this API cannot say, or the model would refuse, is told as lost: never left out unseen.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from outgate.dialects.free_text import as_function, has_grammar
from outgate.dialects.gemini.convert_contents import ContentWriter
from outgate.dialects.gemini.convert_models import Model, model_of, thinking_of
from outgate.dialects.translation import Outbound
from outgate.inference.conversation import Choice, Conversation, Format, Loss, Sampling, Tool

_MOST_STOPS = 5
_MODES = {"auto": "AUTO", "none": "NONE", "any": "ANY", "tool": "ANY"}

type Tree = dict[str, Any]


def write_request(asked: Conversation, model: str, max_tokens: int | None) -> Outbound:
    """See `translation.Converter`."""
    able = model_of(model)
    writer = ContentWriter(able)
    contents, losses = writer.contents(asked.turns), writer.losses
    system = [{"text": text.text} for text in (*asked.system, *writer.hoisted) if text.text]
    config = {
        **_sampling(asked.sampling, max_tokens, losses),
        **_format(asked, able, losses),
        **_thinking(asked, able, losses),
    }
    body: Tree = {
        "contents": contents,
        **({"systemInstruction": {"parts": system}} if system else {}),
        **_tools(asked.tools, losses),
        **_choice(asked.choice, asked.tools, losses),
        **({"generationConfig": config} if config else {}),
    }
    losses += _unsaid(asked)
    verb = "streamGenerateContent?alt=sse" if asked.stream else "generateContent"
    return Outbound(f"/v1beta/models/{quote(model, safe='@:')}:{verb}", body, losses)


def _tools(tools: Sequence[Tool], losses: list[Loss]) -> Tree:
    losses += [Loss("strict", f"tools[{at}]") for at, tool in enumerate(tools) if has_grammar(tool)]
    declared = [_tool(as_function(tool) if tool.custom else tool) for tool in tools]
    return {"tools": [{"functionDeclarations": declared}]} if tools else {}


def _tool(tool: Tool) -> Tree:
    told = {"description": tool.description} if tool.description else {}
    schema = {"parametersJsonSchema": tool.parameters} if tool.parameters else {}
    return {"name": tool.name, **told, **schema}


def _choice(choice: Choice, tools: Sequence[Tool], losses: list[Loss]) -> Tree:
    """Strict schemas are kept to where the model may choose, too, if that is asked for (`VALIDATED`)."""
    if choice.parallel is False and tools:
        losses.append(Loss("parallel", "tools"))
    if not tools:
        losses += [Loss("tool_choice", "tool_choice")] if choice.mode in ("any", "tool") else []
        return {}
    strict = any(tool.strict for tool in tools) and choice.mode in ("", "auto")
    mode = "VALIDATED" if strict else _MODES.get(choice.mode)
    if mode is None:
        return {}
    named = {"allowedFunctionNames": [choice.name]} if choice.mode == "tool" else {}
    return {"toolConfig": {"functionCallingConfig": {"mode": mode, **named}}}


def _format(asked: Conversation, able: Model, losses: list[Loss]) -> Tree:
    form: Format | None = asked.format
    if form is None or form.kind == "text":
        return {}
    if asked.tools and not able.newer:
        losses.append(Loss("format", "format"))
        return {}
    return {"responseMimeType": "application/json", **({"responseJsonSchema": form.schema or {}} if form.kind == "schema" else {})}


def _thinking(asked: Conversation, able: Model, losses: list[Loss]) -> Tree:
    config = thinking_of(asked.reasoning, able, losses)
    return {"thinkingConfig": config} if config else {}


def _sampling(sampling: Sampling, max_tokens: int | None, losses: list[Loss]) -> Mapping[str, Any]:
    if len(sampling.stop) > _MOST_STOPS:
        losses.append(Loss("stop", "stop"))
    given = {
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "maxOutputTokens": sampling.max_tokens or max_tokens,
        "candidateCount": sampling.n if (sampling.n or 1) > 1 else None,
        "seed": sampling.seed,
        "presencePenalty": sampling.presence or None,
        "frequencyPenalty": sampling.frequency or None,
        "stopSequences": list(sampling.stop[:_MOST_STOPS]) or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _unsaid(asked: Conversation) -> Iterator[Loss]:
    """What this API has no word for, and what an answer would not bring back."""
    if asked.user:
        yield Loss("metadata", "user")
    if asked.sampling.logprobs is not None:
        yield Loss("logprobs", "logprobs")
    if any(text.citations for text in asked.system):
        yield Loss("citations", "system")
