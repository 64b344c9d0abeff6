"""Sessions of coding agents, written for tests in the shapes in which Claude Code, Codex and aider send theirs.

Each turn holds the ones before it and brings new personal data; some stands in what a provider reads first, tools and system.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from support.recorded_agents import codex as codex_turn

_FILES = [
    "name,mail,phone\nJane Roe,jane.roe@acme-shop.com,+1 312-555-0182\n",
    "owner = ops@acme-shop.com  # card on file 4111 1111 1111 1111\n",
    "From: Amy <amy.ash@corp-mail.com>\nIBAN GB29 NWBK 6016 1331 9268 19\n",
    "jane.roe@acme-shop.com bought twice; ops@acme-shop.com was told, and a.first@acme-shop.com\n",
]
TURNS = len(_FILES) + 1
_COMMIT = "Commit with HEREDOC:\n   Co-Authored-By: Claude <noreply@agents-mail.com>\n   EOF"
_GIT = "Git user: Sam Dev <sam.dev@corp-mail.com>\nToday: 2026-11-29. Model: claude-sonnet-4-5-20250929."


class Session(NamedTuple):
    """An agent: where it sends its turns, what it sends as turn n, and the members that a provider reads in this order."""

    host: str
    path: str
    turn: Callable[[int], dict[str, Any]]
    order: tuple[str, ...]


def _claude_code(number: int) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
    messages: list[dict[str, Any]] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "<system-reminder>\nAs you answer, mind CLAUDE.md.\n</system-reminder>"},
                {"type": "text", "text": "Tidy up the customer files."},
            ],
        }
    ]
    for index, text in enumerate(_FILES[: number - 1]):
        call = {
            "type": "tool_use",
            "id": f"toolu_{index}",
            "name": "Bash",
            "input": {"command": f"cat {index}.csv # sam.dev@corp-mail.com"},
        }
        messages.append({"role": "assistant", "content": [{"type": "text", "text": "I look."}, call]})
        messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"toolu_{index}", "content": text}]})
    return {
        "model": "claude-sonnet-4-5-20250929",
        "messages": messages,
        "system": [
            {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": _GIT},
        ],
        "tools": [{"name": "Bash", "description": _COMMIT, "input_schema": schema}],
        "metadata": {"user_id": "user_1"},
        "max_tokens": 32000,
        "stream": False,
    }


def _codex(number: int) -> dict[str, Any]:
    body = codex_turn()
    body = {**body, "stream": False, "instructions": f"You are Codex. {_GIT}", "input": list(body["input"])}
    for index, text in enumerate(_FILES[: number - 1]):
        arguments = json.dumps({"cmd": f"mail -s {index} sam.dev@corp-mail.com"})
        call = {"type": "function_call", "status": "completed", "id": f"fc_{index}", "name": "exec_command", "arguments": arguments}
        output = {"type": "function_call_output", "id": f"fco_{index}", "call_id": f"call_{index}", "output": text}
        body["input"] += [call | {"call_id": f"call_{index}"}, output]
    return body


def _aider(number: int) -> dict[str, Any]:
    messages = [{"role": "system", "content": f"Act as an expert software developer. {_GIT}"}]
    messages.append({"role": "user", "content": "Tidy up the customer files."})
    for index, text in enumerate(_FILES[: number - 1]):
        messages.append({"role": "assistant", "content": "Which? I tell sam.dev@corp-mail.com."})
        messages.append({"role": "user", "content": f"{index}.csv\n```\n{text}```"})
    return {"messages": messages, "model": "gpt-4o-mini", "temperature": 0}


SESSIONS = {
    "claude code": Session("api.anthropic.com", "/v1/messages", _claude_code, ("tools", "system", "messages")),
    "codex": Session("api.openai.com", "/v1/responses", _codex, ("instructions", "tools", "input")),
    "aider": Session("api.openai.com", "/v1/chat/completions", _aider, ("messages",)),
}
