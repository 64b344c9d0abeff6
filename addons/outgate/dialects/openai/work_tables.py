"""Tables of the OpenAI API beside conversations (platform.openai.com/docs/api-reference)."""

from outgate.dialects.openai.tables import part
from outgate.dialects.rules import EVERYTHING, Rule, free
from outgate.inference.prompt import Channel

_PARAMETER = Channel.PARAMETER
_MODEL = {"model": EVERYTHING}
"""Replaced by the routed model: the caller's never leaves."""
_TOKENS = Rule(Channel.USER, item=Rule(Channel.USER, item=free(Channel.USER), tokens=True), tokens=True)

COMPLETIONS = Rule(
    _PARAMETER,
    fixed=_MODEL,
    texts={"prompt": Channel.USER, "suffix": Channel.USER, "stop": _PARAMETER, "user": _PARAMETER},
    rules={"prompt": _TOKENS},
    names={
        "best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "n", "presence_penalty", "seed", "stream",
        "stream_options", "temperature", "top_p",
    },
)  # fmt: skip
IMAGES = Rule(
    _PARAMETER,
    fixed=_MODEL,
    texts={
        "prompt": Channel.USER,
        **dict.fromkeys(
            ("background", "moderation", "output_format", "quality", "response_format", "size", "style", "user"), _PARAMETER
        ),
    },
    names={"n", "output_compression", "partial_images", "stream"},
)
SPEECH = Rule(
    _PARAMETER,
    fixed=_MODEL,
    texts={
        "input": Channel.USER,
        "instructions": Channel.USER,
        **dict.fromkeys(("voice", "response_format", "stream_format"), _PARAMETER),
    },
    names={"speed"},
)
MODERATION = Rule(
    _PARAMETER, fixed=_MODEL, texts={"input": Channel.USER}, rules={"input": Rule(Channel.USER, item=part(Channel.USER))}
)
_ANY = free(Channel.ASSISTANT, names=EVERYTHING, numbers=False)
_PICTURE = Rule(Channel.ASSISTANT, blobs={"b64_json"}, fixed={"url": EVERYTHING}, names=EVERYTHING, other=_ANY)
MADE = Rule(
    Channel.ASSISTANT,
    fixed=dict.fromkeys(("background", "id", "language", "model", "output_format", "quality", "size", "task"), EVERYTHING),
    rules={"data": Rule(Channel.ASSISTANT, item=_PICTURE, names=EVERYTHING, other=_ANY)},
    names=EVERYTHING,
    other=_ANY,
)
"""An answer with images, a transcription, or the verdict of a moderation: texts in it are the model's."""
_DROPPED = Rule(Channel.ASSISTANT, drop=True, names=EVERYTHING, other=_ANY)
_TOKEN = Rule(Channel.ASSISTANT, rules={"bytes": _DROPPED}, names=EVERYTHING, other=_ANY)
_CHOICE = Rule(Channel.ASSISTANT, fixed={"finish_reason": EVERYTHING}, names=EVERYTHING, other=_ANY)
MADE_EVENT = Rule(
    Channel.ASSISTANT,
    blobs={"b64_json", "audio"},
    fixed=dict.fromkeys(
        ("background", "id", "language", "model", "object", "output_format", "quality", "segment_id", "size", "type"), EVERYTHING
    ),
    rules={
        name: Rule(Channel.ASSISTANT, item=item, names=EVERYTHING, other=_ANY)
        for name, item in (("logprobs", _TOKEN), ("choices", _CHOICE))
    },
    names=EVERYTHING,
    other=_ANY,
)
"""An event of a stream of images, speech, or a transcription; vLLM tells the last one in choices, as a conversation."""
