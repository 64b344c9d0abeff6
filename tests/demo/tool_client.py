"""An application that knows nothing of the gateway and offers a tool, streamed, by either SDK. Prints one JSON line."""

import json
import sys

import anthropic
import openai

sdk, model = sys.argv[1:]
ASKED = [{"role": "user", "content": "My router hangs. Please reset it."}]
PARAMETERS = {"type": "object", "properties": {"device": {"type": "string"}}, "required": ["device"]}
ABOUT = {"name": "reset", "description": "Reset a device."}
called = {"name": "", "arguments": ""}
if sdk == "anthropic":
    tools = [{**ABOUT, "input_schema": PARAMETERS}]
    client = anthropic.Anthropic(max_retries=0, timeout=120)
    with client.messages.stream(model=model, max_tokens=99, messages=ASKED, tools=tools) as stream:
        for block in stream.get_final_message().content:
            if block.type == "tool_use":
                called = {"name": block.name, "arguments": json.dumps(block.input)}
else:
    tools = [{"type": "function", "function": {**ABOUT, "parameters": PARAMETERS}}]
    answer = openai.OpenAI(max_retries=0, timeout=120).chat.completions.create(
        model=model, messages=ASKED, tools=tools, stream=True
    )
    for chunk in answer:
        for call in (chunk.choices[0].delta.tool_calls or ()) if chunk.choices else ():
            called["name"] += call.function.name or ""
            called["arguments"] += call.function.arguments or ""
print(json.dumps(called))
