"""Any API, any replica: SDKs answered by servers of another API, and a pool that loses one of its two replicas.

The servers are scripted here, so that they call the tool that is offered.
"""

import json
from collections import Counter
from typing import Any

from demo import screen
from demo.screen import GREEN, RED, columns, paint, section, show
from demo.stand import Stand
from support.behaviours import burst
from support.calls import Call
from support.tool_calls import answering

_QUESTIONS = ("Who are you?", "What is a monad?", "Is anybody there?", "How do I boil an egg?")
_KILLED_AFTER = 2


def asked(on: Stand) -> bool:
    section("Any API, any replica: the policy says who answers, whatever the SDK speaks")
    held = [
        crossed(on, "anthropic", "smollm2", "the local server of chat completions"),
        crossed(on, "openai", "claude-haiku-4-5", "Anthropic"),
    ]
    return all([*held, outlived(on)])


def crossed(on: Stand, sdk: str, model: str, whose: str) -> bool:
    """A tool call, streamed, from a server of the other API."""
    servers = (on.provider, *on.replicas)
    before = [len(each.seen) for each in servers]
    for server in servers:
        server.script(_calls)
    called = on.calls_a_tool(sdk, model)
    targets = [seen.target for server, count in zip(servers, before, strict=True) for seen in server.seen[count:]]
    for server in servers:
        server.forget()
    held = called == {"name": "reset", "arguments": called["arguments"]} and json.loads(called["arguments"]) == {"device": "router"}
    crosses = targets == (["/v1/messages"] if sdk == "openai" else ["/v1/chat/completions"])
    got = f"the application got the call {called['name']}({called['arguments']})"
    detail = f"it asked for {model}; {', '.join(targets)} was asked; {got}"
    return told(f"an {sdk} SDK's streamed call of a tool is answered by {whose}", held=held and crosses, detail=detail)


async def _calls(call: Call) -> None:
    """A stream that calls the tool, in the API of the path."""
    shape = {"max_tokens": 1} if call.seen.target.endswith("/messages") else {}
    events = answering({**shape, "stream": True})
    assert isinstance(events, bytes)
    await burst([events])(call)


def outlived(on: Stand) -> bool:
    """One replica is killed between two questions; each is answered all the same."""
    rows, lines = [["question", "attempts", "answer"]], []
    for number, question in enumerate(_QUESTIONS):
        if number == _KILLED_AFTER:
            on.replicas[0].kill()
            rows.append(["(the first replica is killed)", "", ""])
        result, line = on.told("openai", question, model="smollm2")
        lines.append(line)
        rows.append([question, " → ".join(map(_attempt, line["outgate.attempts"])), result["text"]])
    columns(rows, [32, 46, 40])
    again = next((line for line in lines if len(line["outgate.attempts"]) > 1), None)
    twice = _names(again) - _names(lines[0]) if again else Counter[str]()
    detail = f"ran again after the failure: {', '.join(twice)}; everything else ran once"
    return told("one of two replicas is killed, and every answer still comes", held=again is not None, detail=detail)


def _attempt(one: dict[str, Any]) -> str:
    return f"{one['endpoint']}: {one.get('failure') or one.get('status')}"


def _names(line: dict[str, Any]) -> Counter[str]:
    """How often each stage ran."""
    return Counter(name for name, *_ in line["outgate.stages"])


def told(title: str, *, held: bool, detail: str) -> bool:
    show(f"  {paint('held' if held else 'BROKEN', GREEN if held else RED)}  {title}")
    screen.wrapped(detail)
    return held
