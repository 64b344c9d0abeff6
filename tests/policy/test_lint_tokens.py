"""A workload whose last token ends soon is told; one that something else lets in is not."""

import pytest

from outgate.policy.lint_tokens import ending
from outgate.policy.source import parse_source
from outgate.policy.validate import validate
from support.policies import BASE

NOW = 1_798_761_600.0  # 2027-01-01
DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
JWT = "jwt: [{issuer: https://i.test, audience: a, jwks: {provider: openai, path: /keys}}]"


def told(*entries, more=""):
    hashes = ", ".join(f'"{entry}"' for entry in entries)
    text = BASE.replace("workloads:\n", f"workloads:\n  app: {{token_hashes: [{hashes}]{more}}}\n")
    assert text != BASE
    source = parse_source(text, "p.yaml")
    return [(each.code, each.message) for each in ending(source, validate(source)[0].policy, NOW)]


@pytest.mark.parametrize(
    ("until", "message"),
    [
        ("2027-01-11T00:00:00Z", "the token of workload 'app' ends on 2027-01-11 00:00 UTC, in 10 days"),
        ("2026-12-31T00:00:00Z", "the token of workload 'app' ended on 2026-12-31 00:00 UTC"),
    ],
)
def test_a_token_that_ends_soon_or_has_ended(until, message):
    assert [("W_TOKEN_ENDS", message)] == told(f"{DIGEST} until {until}")


@pytest.mark.parametrize(
    "entries", [(), (DIGEST,), (f"{DIGEST} until 2027-01-16T00:00:00Z",), (f"{DIGEST} until 2027-01-02T00:00:00Z", OTHER)]
)
def test_a_workload_that_is_let_in_for_longer(entries):
    assert [] == told(*entries)


def test_a_workload_that_a_jwt_lets_in_too():
    assert [] == told(f"{DIGEST} until 2027-01-02T00:00:00Z", more=f", {JWT}")
