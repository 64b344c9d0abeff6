"""A gateway with the semantic cache in this process, a client that asks it, and a provider that repeats what it was asked."""

import itertools

import orjson

from e2e.world import STAGES, TOKEN, World, http
from support.behaviours import sse
from support.near_models import double
from support.sse import pieces
from support.talks import talk_at
from support.waiting import until

POLICY = (
    STAGES.replace("[openai]", "[openai, anthropic]")
    + """
admit_parts: {}
redact: {}
prompt_guard: {}
output_phrases: {phrases: [nightingale]}
cache:
  scope: tenant
  when: always
  similar: {mode: "on", sample: 0, limit: 20}
"""
)
HOW, AGAIN = "How do I reset my router to factory settings?", "How can I reset my router to its factory settings?"
FAR = "What is the capital of Peru?"
URL = {"openai": "https://api.openai.com/v1/chat/completions", "anthropic": "https://api.anthropic.com/v1/messages"}


def echo(counter=None):
    """Answers `N: ` and the last message, in whatever API it is asked."""
    counter = itertools.count(1) if counter is None else counter

    async def behave(call):
        asked = orjson.loads(call.seen.body)
        last = asked["messages"][-1]["content"]
        text = f"{next(counter)}: {last if isinstance(last, str) else last[0]['text']}"
        talk = talk_at(call.seen.target)
        if asked.get("stream"):
            await sse(talk.events(asked, pieces(text), (9, 5)))(call)
        else:
            await call.answer_json(talk.whole(asked, text, (9, 5)))

    return behave


def whole(text, model="gpt-4o-mini", **members):
    said = text if isinstance(text, list) else [{"role": "user", "content": text}]
    return {"model": model, "messages": said, **members}


class Asking:
    """A client of the gateway, and what came of its requests."""

    def __init__(self, world, gateway, models, providers):
        self.world, self.gateway, self.models, self.providers = world, gateway, models, providers

    def ask(self, text, token=TOKEN, workload="app", at="openai", headers=None, **members):
        with http(self.gateway, token, workload) as client:
            reply = client.post(URL[at], json=whole(text, **members), headers=headers)
        self.settle()
        return reply

    def settle(self):
        """Wait until the exchanges have ended, and what they keep is in the file, where the next look-up finds it."""
        assert until(lambda: self.gateway.runtime.policy().exchanges == 0)
        assert self.gateway.runtime._ports.answers._writer.flush()

    @property
    def sent(self):
        return sum(len(provider.seen) for provider in self.providers)


def starting(providers, folder, patch):
    """A function that starts the gateway under a policy; what it started is ended when the generator is."""
    model = double(patch)
    world = World(folder, *providers)
    for provider in providers:
        provider.script(*[echo()] * 50)

    def start(policy=POLICY, endpoints="", **options):
        path = world.policy(policy, **options)
        path.write_text(path.read_text().replace("endpoints: [", f"endpoints: [{endpoints}"))
        gateway = world.inside(path)
        opened.append(gateway)
        return Asking(world, gateway.__enter__(), model(), providers)

    opened = []
    yield start
    for gateway in opened:
        gateway.__exit__()


def status(reply):
    return reply.headers.get("cache-status", "")


def text_of(reply):
    return reply.json()["choices"][0]["message"]["content"]
