"""Redaction that a target of `model_map` leaves behind is told; where `raw_to` binds it there is nothing to tell."""

import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_source
from outgate.policy.source import parse_source

POLICY = """version: 1
providers:
  cluster: {host: llm.test, endpoints: [{address: "10.0.0.5:8443"}], allow_addresses: [10.0.0.0/8], stages: {CLUSTER}}
  spare: {host: spare.test, allow_addresses: [10.0.0.0/8]}
  cloud: {host: api.test}
  other: {host: other.test}
workloads: {app: {token_hashes: ["sha256:@"]}}
stages:
  authenticate: {}
  authorize: {allow: [{}]}
  model_map: {models: {m: [TARGETS]}}
  authorize_model: {allow: [{}]}
  STAGES
routes:
  - name: team
    match: {destinations: [ADDRESSED], paths: [/v1/chat/completions], methods: [POST]}
    stages: {ROUTE}
""".replace("@", "0" * 64)


def told(targets, cluster="", route="", addressed="cluster", stages="redact: {}"):
    mapped = ", ".join(f"{{provider: {name}, model: x}}" for name in targets)
    text = POLICY.replace("TARGETS", mapped).replace("CLUSTER", cluster).replace("ROUTE", route)
    text = text.replace("ADDRESSED", addressed).replace("STAGES", stages)
    try:
        found = load_source(parse_source(text, "p.yaml")).warnings
    except PolicyError as error:
        found = error.problems
    return [
        (each.code, each.message.partition(" ")[0].strip("'"), each.line)
        for each in found
        if "REDACT" in each.code or "TAINT" in each.code
    ]


LEFT = [("W_REDACTION_LEFT", "cloud", 11)]


@pytest.mark.parametrize(
    ("targets", "changes", "found"),
    [
        (("cluster", "cloud"), {"route": "redact: false"}, LEFT),
        (("cluster", "cloud"), {"cluster": "redact: false"}, LEFT),
        (("cloud",), {"cluster": "redact: false"}, LEFT),
        (("cluster", "cloud"), {}, []),
        (("cluster", "cloud"), {"route": "redact: {raw_to: [cluster]}"}, []),
        (("cluster", "spare"), {"route": "redact: false"}, []),
        (("cloud", "other"), {"route": "redact: false", "addressed": "cloud"}, []),
        (("cluster", "cloud"), {"stages": "count_tokens: {}"}, []),
    ],
)
def test_a_fallback_that_leaves_redaction_behind_is_told(targets, changes, found):
    assert found == told(targets, **changes)


def test_a_third_party_never_gets_as_redacted_what_may_be_as_it_came():
    service = "external_guard: {provider: other}"

    assert [] == told(("cluster",), stages=f"redact: {{}}\n  {service}")
    assert ["E_TAINT"] == [code for code, *_ in told(("cluster", "cloud"), stages=f"redact: {{raw_to: [cluster]}}\n  {service}")]
