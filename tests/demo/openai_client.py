"""An application that knows nothing of the gateway: the openai SDK and its environment. Prints one JSON line."""

import json
import sys
import time

import openai

prompt, streamed, model, tokens = sys.argv[1], sys.argv[2] == "streamed", *(sys.argv[3:] or ["gpt-4o-mini", "24"])
start = time.perf_counter()
first = None
try:
    client = openai.OpenAI(max_retries=0, timeout=120)
    asked = {"model": model, "max_tokens": int(tokens), "temperature": 0, "messages": [{"role": "user", "content": prompt}]}
    if streamed:
        text = ""
        for chunk in client.chat.completions.create(**asked, stream=True):
            if chunk.choices and chunk.choices[0].delta.content:
                first = first or time.perf_counter() - start
                text += chunk.choices[0].delta.content
    else:
        text = client.chat.completions.create(**asked).choices[0].message.content or ""
    result = {"text": text}
except openai.APIStatusError as error:
    result = {"error": type(error).__name__, "status": error.status_code, "code": error.code, "text": str(error.message)}
except openai.APIError as error:
    result = {"error": type(error).__name__, "status": 0, "code": None, "text": str(error.__cause__ or error)}
print(json.dumps({**result, "first": first, "seconds": time.perf_counter() - start}))
