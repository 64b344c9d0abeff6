"""Faults of the model server, for every model that a guard asks: each ends in the declared failure mode, inside the guard's limit.

F1: under `deny` 503 in the caller's dialect, and no byte goes on; under `open` the request goes on and its verdict
says that nothing was read, and why. Once the fault is over, the next request is judged.
"""

import asyncio
import threading
import time
from itertools import count

import orjson
import pytest

from e2e.world import OTHER_TOKEN, STAGES, World, http, lines
from outgate.model_server.wire import Frames, frame
from outgate.server.runtime import Runtime
from support import behaviours as b
from support.openai_answers import chat_completion
from support.waiting import until

URL = "https://api.openai.com/v1/chat/completions"
LIMIT = 0.6
CANARY = "canary-of-a-prompt"
TOOL = "tool"
GUARDS = {
    "prompt": f"prompt_guard: {{limit: {LIMIT}, classifier: {{limit: {LIMIT}, on_error: MODE}}}}",
    TOOL: f"tool_result_guard: {{limit: {LIMIT}, on_error: MODE}}",
    "secret": f"secret_guard: {{limit: {LIMIT}}}",
    "pii": f"redact: {{limit: {LIMIT}, entities: [EMAIL_ADDRESS]}}",
    "ner": f"redact: {{limit: {LIMIT}, entities: [PERSON]}}",
    "topics": f"output_topics: {{limit: {LIMIT}, topics: {{names: {{doses: [take two tablets, the dose for children]}}}}}}",
}
STAGE = {name: guard.partition(":")[0] for name, guard in GUARDS.items()}
OPEN = ("prompt", TOOL)
OFTEN = ("killed", "stopped", "null")
"""Faults that every guard meets; the others are the client's to tell, which is the same for all."""
TEXTS = {
    "secret": "the token ghp_{:036d} is new",
    "pii": "write to jane{}@example.com",
    "ner": "My name is Jane Miller and number {} is my house.",
}
ROUTE = "- name: {name}-{mode}\n  match: {{models: [{name}*], workloads: [{who}]}}\n  stages:\n    {guard}\n"
ROUTES = "".join(
    ROUTE.format(name=name, mode=mode, who="app" if mode == "deny" else "other", guard=guard.replace("MODE", mode))
    for name, guard in GUARDS.items()
    for mode in ("deny", "open")
    if mode == "deny" or name in OPEN
)
_NUMBERS = count(1)


def answered(message):
    """What a model that finds nothing says."""
    found = [0.0, 1] if message["model"] == "injection" else []
    return frame({"id": message["id"], "results": [found] * len(message["items"]), "batch": 1, "queue": 0})


def results(value):
    return lambda message: frame({"id": message["id"], "results": value})


FAULTS = {
    "killed": lambda _: None,
    "stopped": lambda _: b"",
    "no frames": lambda _: b"\xff\xfe HTTP/1.1 200 OK\r\n\r\n",
    "a frame beyond all bounds": lambda _: b"\x7f\xff\xff\xff{",
    "killed in an answer": lambda message: answered(message)[:9],
    "no JSON": lambda _: b"\0\0\0\4nope",
    "a list": lambda _: b"\0\0\0\2[]",
    "an id that is a list": lambda _: frame({"id": [], "results": []}),
    "no results": lambda message: frame({"id": message["id"]}),
    "too many results": results([[]] * 500),
    "results that are a text": results(CANARY),
    "a result of another shape": lambda message: frame({"id": message["id"], "results": [CANARY] * len(message["items"])}),
    "null": lambda message: frame({"id": message["id"], "results": [None] * len(message["items"])}),
    "out of memory": lambda message: frame({"id": message["id"], "error": "failed"}),
    "an error that quotes": lambda message: frame({"id": message["id"], "error": CANARY}),
}


CASES = [(name, fault) for name in GUARDS for fault in (FAULTS if name == "prompt" else OFTEN)]


class Faulty:
    """A model server on a thread of its own that has the fault it is told to; None answers."""

    def __init__(self, path):
        self.fault, self.asked, self._path = FAULTS["killed"], [], path
        self._loop, self._ready = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    async def _serve(self):
        self._ended = asyncio.Event()
        server = await asyncio.start_unix_server(self._talk, self._path)
        self._ready.set()
        await self._ended.wait()
        server.close()

    async def _talk(self, reader, writer):
        frames = Frames()
        while data := await reader.read(65536):
            for message in frames.feed(data):
                if "alive" in message:
                    writer.write(frame(message))
                elif "model" in message:
                    self.asked.append(message["model"])
                    said = (self.fault or answered)(message)
                    writer.write(said or b"")
                    if said is None or self.fault is FAULTS["killed in an answer"]:
                        writer.close()


@pytest.fixture(name="stood", scope="module")
def _stood(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("faulty"), *providers)
    (world.folder / "state").mkdir()
    stages = STAGES + "admit_parts: {}\n"
    with pytest.MonkeyPatch.context() as patch, Faulty(world.folder / "state" / "models.sock") as server:
        patch.setattr(Runtime, "keep_model_server", lambda _: None)
        with world.inside(world.policy(stages, routes=ROUTES)) as gateway:
            for name in GUARDS:  # what each imports and compiles is no part of its limit
                ask((world, gateway), name)
            yield world, gateway, server


@pytest.fixture(autouse=True)
def _otherwise(providers):
    usual = providers[0].otherwise
    providers[0].otherwise = b.answer_json(chat_completion("Take the blue line to the harbour and walk along the quay. " * 4))
    yield
    providers[0].otherwise = usual


def body_of(name):
    text = TEXTS.get(name, "please compare these {} letters").format(next(_NUMBERS))
    call = {"id": "c", "type": "function", "function": {"name": "read", "arguments": "{}"}}
    turns = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": text}]
    messages = [{"role": "user", "content": "read it"}, *turns] if name == TOOL else [{"role": "user", "content": text}]
    return {"model": f"{name}-1", "messages": messages}


def ask(stood, name, mode="deny"):
    """The reply, the seconds it took and its closing line."""
    who = {} if mode == "deny" else {"token": OTHER_TOKEN, "workload": "other"}
    with http(stood[1], **who) as client:
        began = time.monotonic()
        reply = client.post(URL, json=body_of(name))
        took = time.monotonic() - began
    number = reply.headers["x-outgate-request-id"]
    assert until(lambda: any(line["id"] == number for line in lines(stood[0])))
    return reply, took, next(line for line in lines(stood[0]) if line["id"] == number)


@pytest.mark.parametrize(("name", "fault"), CASES)
def test_f1_a_fault_of_a_model_is_refused_in_time_and_the_next_request_is_judged(stood, providers, name, fault):
    server = stood[2]
    server.fault = FAULTS[fault]
    server.asked.clear()
    reply, took, line = ask(stood, name)
    server.fault = None

    assert server.asked
    assert (503, STAGE[name]) == (reply.status_code, line["outgate.denial.stage"]), reply.text
    assert reply.json()["error"]["code"] in ("stage_failed", "stage_timeout")
    assert took < LIMIT + 1
    assert (name == "topics") == bool(providers[0].seen)
    assert CANARY not in orjson.dumps(line).decode()
    if name != "topics" and reply.json()["error"]["code"] == "stage_failed":
        assert "model server gave no answer" in line["outgate.denial.cause"]
    if name != "topics":
        assert 200 == ask(stood, name)[0].status_code
        assert 1 == len(providers[0].seen)


@pytest.mark.parametrize("fault", OFTEN)
@pytest.mark.parametrize("name", OPEN)
def test_f1_a_fault_lets_pass_where_the_policy_says_so_and_the_verdict_says_what_was_not_read(stood, providers, name, fault):
    server = stood[2]
    server.fault = FAULTS[fault]
    reply, took, line = ask(stood, name, "open")
    server.fault = None
    verdict = line["outgate.verdicts"][STAGE[name]]

    assert (200, 1) == (reply.status_code, len(providers[0].seen))
    assert took < LIMIT + 1
    assert any(each["kind"].startswith("classifier.") for each in verdict["unjudged"])
    assert not any(each["kind"].startswith("classifier.") for each in verdict.get("scanned", ()))
    assert verdict["reason"].startswith(("the model server gave no answer", "no answer in time"))
