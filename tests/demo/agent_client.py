"""An agent that knows nothing of the gateway: sends one request of Chat through the openai SDK. Prints one JSON line."""

import json
import sys

import openai

text = ""
try:
    answer = openai.OpenAI(max_retries=0, timeout=120).chat.completions.create(**json.loads(sys.argv[1]))
    if isinstance(answer, openai.Stream):
        for chunk in answer:
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    else:
        text = answer.choices[0].message.content or ""
    result = {"text": text}
except openai.APIError as error:
    result = {"text": text, "error": type(error).__name__, "code": error.code, "said": str(error.message)}
print(json.dumps(result))
