"""Bodies of the Responses API for the dialect tests: a rich one by hand, endless ones from a seed."""

import json
import random

from support.wire_bodies import STRINGS, value

RESPONSES_RICH = {
    "model": "gpt-5",
    "instructions": "be kind",
    "input": [
        {"role": "developer", "content": "and short"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "https://example.test/cat.png", "detail": "low"},
                {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"},
                {"type": "input_file", "file_url": "https://example.test/a.pdf"},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {"type": "hologram", "payload": {"beam": "?"}},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "content": [{"type": "reasoning_text", "text": "thinking"}],
            "encrypted_content": "short",
        },
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "phase": "commentary",
            "content": [
                {
                    "type": "output_text",
                    "text": "ok",
                    "annotations": [{"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 1}],
                    "logprobs": [{"token": "o", "bytes": [111], "logprob": -1.0, "top_logprobs": []}],
                },
                {"type": "refusal", "refusal": "no"},
            ],
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "send",
            "namespace": "mail",
            "status": "completed",
            "caller": {"type": "program", "caller_id": "prog_1"},
            "arguments": '{"to": "bob", "card": 4111111111111111, "cc": ["eve", {"deep": "x"}]}',
        },
        {"type": "function_call", "call_id": "call_2", "name": "bad", "arguments": "{not json"},
        {"type": "function_call_output", "call_id": "call_1", "output": "sent"},
        {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "done"}]},
        {"type": "custom_tool_call", "call_id": "call_3", "name": "run", "input": "ls -l"},
        {"type": "custom_tool_call_output", "call_id": "call_3", "output": "total 0"},
        {"type": "local_shell_call", "call_id": "call_4", "status": "completed", "action": {"type": "exec", "command": ["ls"]}},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "weather"}},
        {"type": "mcp_call", "id": "mcp_1", "server_label": "s", "name": "f", "arguments": '{"a": "b"}', "output": "out"},
        {
            "type": "mcp_list_tools",
            "id": "mcpl_1",
            "server_label": "s",
            "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        },
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "late", "parameters": {}}]},
        {"type": "compaction", "encrypted_content": "short"},
        {"type": "brand_new", "beam": "?"},
        {"role": "wizard", "content": "abra"},
    ],
    "tools": [
        {
            "type": "function",
            "name": "send",
            "description": "sends mail",
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {"to": {"type": "string", "description": "whom", "enum": ["bob", "eve"]}},
                "required": ["to"],
                "x-unknown": "?",
            },
        },
        {
            "type": "custom",
            "name": "run",
            "description": "runs",
            "format": {"type": "grammar", "syntax": "lark", "definition": "s: x"},
        },
        {"type": "namespace", "name": "mail", "description": "mails", "tools": [{"type": "function", "name": "draft"}]},
        {"type": "mcp", "server_label": "s", "server_url": "https://mcp.example.test", "headers": {"x-team": "blue"}},
        {"type": "web_search", "external_web_access": True},
    ],
    "tool_choice": {"type": "function", "name": "send"},
    "text": {"format": {"type": "json_schema", "name": "out", "schema": {"type": "object", "title": "T"}}, "verbosity": "low"},
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "metadata": {"team": "blue"},
    "client_metadata": {"thread_id": "t-1"},
    "user": "u-1",
    "prompt_cache_key": "k-1",
    "max_output_tokens": 100,
    "store": False,
    "brand_new": {"field": ["a", {"b": "c"}]},
}


def responses_body(r: random.Random) -> dict:
    items = [
        {"role": r.choice(("user", "system", "assistant")), "content": r.choice(STRINGS), f"x{i}": value(r)}
        for i in range(r.randrange(1, 4))
    ]
    if r.random() < 0.4:
        arguments = json.dumps({"v": value(r)}, ensure_ascii=r.random() < 0.5)
        items.append({"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments})
        items.append({"type": "function_call_output", "call_id": "c", "output": r.choice(STRINGS)})
    return {
        "model": r.choice(("gpt-4o", "o3")),
        "input": r.choice((items, items, "hi")),
        "instructions": r.choice(STRINGS),
        "store": False,
        "extra": value(r),
    }
