"""An application that knows nothing of the gateway: the anthropic SDK and its environment. Prints one JSON line."""

import json
import sys
import time

import anthropic

prompt, streamed = sys.argv[1], sys.argv[2] == "streamed"
start = time.perf_counter()
first = None
try:
    client = anthropic.Anthropic(max_retries=0, timeout=120)
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 24, "messages": [{"role": "user", "content": prompt}]}
    if streamed:
        text = ""
        with client.messages.stream(**asked) as stream:
            for piece in stream.text_stream:
                first = first or time.perf_counter() - start
                text += piece
    else:
        text = "".join(part.text for part in client.messages.create(**asked).content)
    result = {"text": text}
except anthropic.APIStatusError as error:
    result = {"error": type(error).__name__, "status": error.status_code, "code": None, "text": str(error.message)}
except anthropic.APIError as error:
    result = {"error": type(error).__name__, "status": 0, "code": None, "text": str(error.__cause__ or error)}
print(json.dumps({**result, "first": first, "seconds": time.perf_counter() - start}))
