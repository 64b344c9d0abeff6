"""A route stays in its regions, or the policy is refused: by address, by map, by fallback, by a service that a stage asks."""

import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_source
from outgate.policy.source import parse_source

POLICY = """version: 1
providers:
  here: {host: a.test, region: eu}
  there: {host: b.test, region: us}
  nowhere: {host: c.test}
  service: {host: d.test, dialect: none, region: us}
workloads: {app: {tenant: t, token_hashes: ["sha256:@"]}}
stages:
  authenticate: {}
  authorize: {allow: [{}]}
  authorize_model: {allow: [{}]}
  model_map: MAP
routes:
  - name: chat
    match: {destinations: [ADDRESSED], paths: [/v1/chat/completions], methods: [POST]}
    regions: REGIONS
    stages: {STAGES}
""".replace("@", "0" * 64)


def refused(mapped="{passthrough: true}", addressed="here", regions="[eu]", stages=""):
    text = POLICY.replace("MAP", mapped).replace("ADDRESSED", addressed).replace("REGIONS", regions).replace("STAGES", stages)
    try:
        load_source(parse_source(text, "p.yaml"))
    except PolicyError as error:
        return [(problem.code, problem.message.partition("may send to ")[2].partition(",")[0]) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"addressed": "there"}, ["'there'"]),
        ({"addressed": "nowhere"}, ["'nowhere'"]),
        ({"addressed": "there", "regions": "[eu, us]"}, []),
        ({"addressed": "there", "regions": "[]"}, []),
        ({"mapped": "{models: {m: [{provider: here, model: x}, {provider: there, model: x}]}}"}, ["'there'"]),
        ({"mapped": "{models: {m: [{provider: here, model: x}]}}", "addressed": "there"}, []),
        ({"mapped": "{passthrough: true, models: {m: [{provider: here, model: x}]}}", "addressed": "there"}, ["'there'"]),
        ({"stages": "redact: {}, external_guard: {provider: service}"}, ["'service'"]),
    ],
)
def test_whatever_a_route_could_reach_is_in_its_regions(changes, found):
    assert [("E_REGION", name) for name in found] == refused(**changes)


def test_A34_a_fallback_to_another_region_is_refused_before_anything_is_sent():
    assert [("E_REGION", "'nowhere'")] == refused("{models: {m: [{provider: here, model: x}, {provider: nowhere, model: x}]}}")
