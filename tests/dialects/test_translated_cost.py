"""The cost of translation beside no translation, in CPU time: at most 0.3 ms of a request of 2 KB, and about 40 µs of an event.

Each is measured beside the same work without translation, by the thread's own clock, and the quickest of many rounds counts: what
the machine does beside them is none of it. `pytest -s` prints the figures. An event is bounded at three times its figure, which a
loaded machine keeps to.
"""

import time

import orjson
import pytest

from outgate.dialects.answer_forms import answer_in
from outgate.dialects.registry import SPECS, conversations, dialect, operation_for
from outgate.dialects.spec import RequestLine, Target
from outgate.dialects.translated import translated
from outgate.inference.conversation import Conversation
from outgate.net.headers import Headers
from support.speed import slowness
from support.talks import DIALECTS, PROVIDERS

APIS = [spec.name for spec in SPECS if spec.converter is not None]
PAIRS = [(client, api) for client in APIS if client in conversations() for api in APIS if client != api]
every_pair = pytest.mark.parametrize(("client", "api"), PAIRS, ids=map("-".join, PAIRS))
TEXT = "The quick brown fox jumps over the lazy dog. " * 42
WORDS = ["word "] * 40
MODEL = {"anthropic": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}
_ROUNDS = 20
_REQUEST, _EVENT = 300e-6, 3 * 40e-6


@pytest.fixture(name="slower", scope="module")
def _slower():
    return slowness()


def quickest(work):
    """CPU seconds of this thread, of the quickest of many rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
    return best


@every_pair
def test_a_request_of_two_kilobytes(client, api, slower):
    path = DIALECTS[client].path
    line = RequestLine("POST", path, operation_for("POST", path))
    body = orjson.dumps(DIALECTS[client].ask(TEXT, False))
    request = dialect(client).decode(line, Headers(), body)
    target = Target(MODEL.get(api, "m"))

    added = quickest(lambda: translated(request, target, api)) - quickest(lambda: dialect(client).encode(request, target))
    print(f"\n{client} to {api}: {added * 1e6:.0f} µs of a request of {len(body)} bytes, machine {slower:.1f} times slower")
    assert added < _REQUEST * slower


def judged(decoder, events):
    for event in events:
        for each in decoder.feed(event):
            each.encode()
    decoder.end()


@every_pair
def test_an_event_of_a_stream(client, api, slower):
    operation = operation_for("POST", DIALECTS[client].target(stream=True))
    asked = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}
    plain = DIALECTS[client].events(asked, WORDS, (9, 5))
    given = PROVIDERS[api].events(asked, WORDS, (9, 5))

    def decoder():
        return dialect(client).answer(operation, True, True)

    nobody = Conversation((), (), model="m")
    own = quickest(lambda: judged(decoder(), plain))
    there = quickest(lambda: judged(answer_in(operation, api, nobody, decoder(), stream=True, status=200), given))
    added = (there - own) / len(WORDS)
    print(f"\n{client} to {api}: {added * 1e6:.1f} µs of an event, machine {slower:.1f} times slower")
    assert added < _EVENT * slower
