"""A gateway between every client's dialect and every provider's: models `to-NAME` are those of a provider that is asked in NAME."""

import itertools
from contextlib import contextmanager

import pytest

from e2e.world import PASSING_ALL, World, http, lines
from outgate.dialects.registry import SPECS, conversations
from support.bedrock_answers import MODEL as BEDROCK_MODEL
from support.gemini_answers import MODEL as GEMINI_MODEL
from support.talks import DIALECTS
from support.waiting import until

APIS = [spec.name for spec in SPECS if spec.converter is not None]
PAIRS = [pytest.param(*pair, id="-to-".join(pair)) for pair in itertools.permutations(APIS, 2) if pair[0] in conversations()]
every_pair = pytest.mark.parametrize(("client", "api"), PAIRS)
either_way = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
MODELS = """
model_map:
  models:
    to-openai: [{provider: chat, model: gpt-4o-mini}]
    to-responses: [{provider: items, model: gpt-5}]
    to-anthropic: [{provider: anthropic, model: claude-sonnet-4-5}]
    to-gemini: [{provider: gemini, model: gemini-2.5-flash}]
    to-bedrock: [{provider: bedrock, model: "MODEL"}]
    either: [{provider: openai, model: gpt-4o-mini}, {provider: anthropic, model: claude-sonnet-4-5}]
    back: [{provider: anthropic, model: claude-sonnet-4-5}, {provider: chat, model: gpt-4o-mini}]
""".replace("MODEL", BEDROCK_MODEL)
_PROVIDER = """
{name}:
  host: {name}.test
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}, sni: api.openai.com}}
  credential: {{env: E2E_OPENAI_KEY}}
  dialect: {dialect}
  translation: {{apis: [{api}]}}
"""


def translating(folder, providers, stages):
    """The gateway, in this process; `stages` come behind those that let everything pass."""
    world = World(folder, *providers)
    made = {"port": providers[0].port, "ca": world.folder / "upstream-ca.pem"}
    named = (("chat", "openai", "openai"), ("items", "openai", "responses"), ("bedrock", "bedrock", ""))
    more = "".join(_PROVIDER.format(name=name, dialect=dialect, api=api, **made) for name, dialect, api in named)
    passing = PASSING_ALL.replace("model_map: {passthrough: true}\n", MODELS)
    return world.inside(world.policy(passing + stages, providers=more))


def providers_by_api(providers):
    """The provider that is asked in each API."""
    at = {"openai": providers[0], "responses": providers[0], "anthropic": providers[1], "gemini": providers[2]}
    return at | {"bedrock": providers[0]}


@contextmanager
def opened(gateway, client, model, body, *, stream=False):
    """What a client of this dialect gets from a model, as it comes."""
    talk = DIALECTS[client]
    url, named = talk.to(stream), {} if talk.ends else {"model": model, "stream": stream}
    url = url.replace(GEMINI_MODEL, model) if talk.ends else url
    with http(gateway) as session, session.stream("POST", url, json={**body, **named}) as reply:
        yield reply


def post(gateway, client, model, body, *, stream=False):
    """The same, read to its end."""
    with opened(gateway, client, model, body, stream=stream) as reply:
        reply.read()
    return reply


def said(client, reply, *, stream):
    """The text of an answer."""
    talk = DIALECTS[client]
    return talk.heard(reply.content) if stream else talk.said(reply.json())


def line_of(gateway, reply):
    """The closing line of an exchange."""
    own = reply.headers["x-outgate-request-id"]
    assert until(lambda: own in [line["id"] for line in lines(gateway.world)])
    return next(line for line in lines(gateway.world) if line["id"] == own)
