import orjson
import pytest

from outgate.dialects.registry import dialect, operation_for
from outgate.dialects.spec import RequestLine, Target
from outgate.errors import WireError
from outgate.inference.operation import Kind
from outgate.inference.prompt import Channel
from outgate.net.headers import Headers


def decoded(path, **body):
    line = RequestLine("POST", path, operation_for("POST", path))
    return dialect("openai").decode(line, Headers(), orjson.dumps(body))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/completions", Kind.TEXT), ("/v1/images/generations", Kind.IMAGES), ("/v1/images/edits", Kind.IMAGES),
        ("/v1/audio/speech", Kind.SPEECH), ("/v1/audio/transcriptions", Kind.TRANSCRIPTION), ("/v1/moderations", Kind.MODERATION),
        ("/v1/images/other", Kind.OPAQUE),
    ],
)  # fmt: skip
def test_a_path_is_its_work(path, kind):
    assert ("openai", kind) == operation_for("POST", path)[:2]


@pytest.mark.parametrize(
    ("path", "body", "texts"),
    [
        ("/v1/completions", {"model": "m", "prompt": ["a", "b"], "suffix": "c"}, ["a", "b", "c"]),
        ("/v1/images/generations", {"model": "m", "prompt": "a", "n": 2}, ["a"]),
        ("/v1/audio/speech", {"model": "m", "input": "a", "instructions": "b"}, ["a", "b"]),
        ("/v1/moderations", {"input": ["a", "b"]}, ["a", "b"]),
        ("/v1/moderations", {"input": [{"type": "text", "text": "a"}]}, ["a"]),
    ],
)
def test_what_a_caller_says_is_a_users_text(path, body, texts):
    assert texts == [leaf.text for leaf in decoded(path, **body).prompt.leaves if leaf.channel is Channel.USER]


def test_each_prompt_may_have_its_answers():
    request = decoded("/v1/completions", model="m", prompt=["a", "b"], n=2, best_of=3)

    assert (6, 1) == (request.params.n, decoded("/v1/completions", model="m", prompt=[1, 2]).params.n)
    assert {"tokens"} <= decoded("/v1/completions", model="m", prompt=[1, 2]).prompt.unjudged or request.prompt.leaves


def test_a_bound_of_a_budget_is_written():
    sent = dialect("openai").encode(decoded("/v1/completions", model="m", prompt="a"), Target("local", 40))

    assert {"model": "local", "prompt": "a", "max_tokens": 40} == orjson.loads(sent.body)


@pytest.mark.parametrize("extra", [{"stream": "yes"}, {"model": None}])
def test_what_cannot_be_read_is_refused(extra):
    with pytest.raises(WireError, match=r"stream|model"):
        decoded("/v1/images/generations", **{"model": "m", "prompt": "a", **extra})
