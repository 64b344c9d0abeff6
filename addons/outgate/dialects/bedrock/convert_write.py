"""Writer of Converse requests: the request for Anthropic's API, in the words of Amazon Bedrock's.

Converse (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html) is Anthropic's API under other names, for
models of every maker. What only Claude models take goes into `additionalModelRequestFields`; other models lose it.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from outgate.dialects.anthropic import convert_write as anthropic
from outgate.dialects.json_body import dump
from outgate.dialects.translation import Outbound
from outgate.inference.conversation import Conversation, Loss

_CLAUDE = re.compile(r"(?:^|[./])(?:anthropic\.)?claude-")
_NAME = re.compile(r"[^A-Za-z0-9\-()\[\]]+")
_FORMATS = {"application/pdf": "pdf", "text/plain": "txt"}
_LIMITS = {"temperature": "temperature", "top_p": "topP", "stop_sequences": "stopSequences"}

type Tree = dict[str, Any]


def write_request(asked: Conversation, model: str, max_tokens: int | None) -> Outbound:
    """The request to this model; `max_tokens` where the caller set no maximum. Without both the model's own holds."""
    writer = _Writer(claude=_CLAUDE.search(model) is not None)
    whole, losses = anthropic.write_request(writer.taken(asked), model, max_tokens)[1:]
    path = f"/model/{quote(model, safe='')}/converse{'-stream' if asked.stream else ''}"
    most = whole["max_tokens"] if asked.sampling.max_tokens or max_tokens else None
    body = writer.body(whole, most)
    return Outbound(path, body, [*losses, *writer.losses])


class _Writer:
    """Writes one request. `losses` are those that Anthropic's API would not have."""

    def __init__(self, *, claude: bool) -> None:
        self.losses: list[Loss] = []
        self._claude = claude
        self._documents = 0

    def taken(self, asked: Conversation) -> Conversation:
        """What this model takes of it."""
        if self._claude:
            return asked
        wanted, top_k = asked.reasoning, asked.sampling.top_k
        if wanted is not None and (wanted.effort not in ("", "none") or wanted.budget):
            self.losses.append(Loss("reasoning", "reasoning"))
        if top_k is not None:
            self.losses.append(Loss("top_k", "top_k"))
        return asked._replace(reasoning=None, sampling=asked.sampling._replace(top_k=None))

    def body(self, whole: Mapping[str, Any], most: int | None) -> Tree:
        """The body, of one of Anthropic's API."""
        limits = {theirs: whole[name] for name, theirs in _LIMITS.items() if name in whole}
        limits |= {"maxTokens": most} if most is not None else {}
        system = [{"text": block["text"]} for block in whole.get("system", ())]
        more = {name: whole[name] for name in ("thinking", "top_k") if name in whole and self._claude}
        self.losses += [Loss("metadata", "user")] if "metadata" in whole else []
        told = {
            "system": system,
            "messages": [self._message(message, f"turns[{at}]") for at, message in enumerate(whole["messages"])],
            "inferenceConfig": limits,
            "toolConfig": self._tools(whole),
            "outputConfig": _output(whole.get("output_config", {})),
            "additionalModelRequestFields": more,
        }
        return {name: value for name, value in told.items() if value}

    def _message(self, message: Mapping[str, Any], where: str) -> Tree:
        return {"role": message["role"], "content": self._blocks(message["content"], where)}

    def _blocks(self, blocks: Sequence[Mapping[str, Any]], where: str) -> list[Tree]:
        return [made for block in blocks for made in self._block(block, where)]

    def _block(self, block: Mapping[str, Any], where: str) -> Iterator[Tree]:
        kind = block["type"]
        if kind == "text":
            self.losses += [Loss("citations", where)] if block.get("citations") else []
            yield {"text": block["text"]}
        elif kind == "image":
            yield from self._media("image", block["source"], where)
        elif kind == "document":
            yield from self._media("document", block["source"], where, block.get("title", ""))
        elif kind == "tool_use":
            yield {"toolUse": {"toolUseId": block["id"], "name": block["name"], "input": block["input"]}}
        elif kind == "tool_result":
            failed = {"status": "error"} if block.get("is_error") else {}
            content = self._blocks(block["content"], where)
            yield {"toolResult": {"toolUseId": block["tool_use_id"], "content": content, **failed}}
        elif self._claude:
            yield {"reasoningContent": _thought(block)}
        else:
            self.losses.append(Loss("thoughts", where))

    def _media(self, kind: str, source: Mapping[str, Any], where: str, title: str = "") -> Iterator[Tree]:
        if source["type"] == "url":
            self.losses.append(Loss("urls", where))
            return
        media, text = source["media_type"], source["type"] == "text"
        held = b64encode(source["data"].encode()).decode() if text else source["data"]
        told = {"format": _FORMATS.get(media) or media.partition("/")[2], "source": {"bytes": held}}
        yield {kind: {**told, "name": self._named(title)} if kind == "document" else told}

    def _named(self, title: str) -> str:
        """A document's name in the letters that the API takes, and unlike all others."""
        self._documents += 1
        plain = _NAME.sub("-", title)[:100].strip("-") or "document"
        return plain if self._documents == 1 else f"{plain}-{self._documents}"

    def _tools(self, whole: Mapping[str, Any]) -> Tree:
        tools, choice = whole.get("tools", ()), whole.get("tool_choice", {})
        if choice.get("disable_parallel_tool_use"):
            self.losses.append(Loss("parallel", "tool_choice"))
        mode = choice.get("type", "")
        if mode == "none":
            self.losses.append(Loss("tool_choice", "tool_choice"))
            mode = ""
        chosen = {"toolChoice": {mode: {"name": choice["name"]} if mode == "tool" else {}}} if mode else {}
        return {"tools": [{"toolSpec": _tool(tool)} for tool in tools], **chosen} if tools else {}


def _tool(tool: Mapping[str, Any]) -> Tree:
    kept = {name: tool[name] for name in ("name", "description", "strict") if name in tool}
    return {**kept, "inputSchema": {"json": tool["input_schema"]}}


def _thought(block: Mapping[str, Any]) -> Tree:
    if block["type"] == "redacted_thinking":
        return {"redactedContent": block["data"]}
    return {"reasoningText": {"text": block["thinking"], "signature": block["signature"]}}


def _output(config: Mapping[str, Any]) -> Tree:
    effort = {"effort": config["effort"]} if "effort" in config else {}
    if "format" not in config:
        return effort
    schema = {"schema": dump(config["format"]["schema"]).decode(), "name": "answer"}
    return {**effort, "textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
