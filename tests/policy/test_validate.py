import pytest

from outgate.policy.source import parse_source
from outgate.policy.validate import canonical, validate


def checked(text):
    validated, problems = validate(parse_source(text, "p.yaml"))
    return validated, [(problem.code, problem.line) for problem in problems]


def test_problems_of_different_sections_are_reported_together_and_the_rest_is_kept():
    validated, problems = checked(
        "providers:\n  good: {host: a.test}\n  bad:\n    host: A.TEST\n    prot: 1\nworkloads:\n  w: {tenant: '!'}\n"
        "routes:\n  - name: one\n  - nam: two\n  - name: three\nstages: {}\n"
    )

    assert {("E_VALUE", 4), ("E_UNKNOWN_KEY", 5), ("E_VALUE", 7), ("E_UNKNOWN_KEY", 10), ("E_MISSING_KEY", 10)} == set(problems)
    assert ["good"] == list(validated.policy.providers)
    assert ["one", "three"] == [route.name for route in validated.policy.routes]
    assert (("routes", 0), ("routes", 2)) == validated.route_places


@pytest.mark.parametrize(
    "text", ["[]", "a", "1", "providers: []", "routes: {}", "routes: 5", "stages: []", "gateway: 1", "version: 2", "workloads: x"]
)
def test_any_wrong_shape_is_a_problem_and_never_a_crash(text):
    assert checked(text)[1]


def test_an_empty_policy_is_sound():
    assert [] == checked("")[1]


@pytest.mark.parametrize(
    "text",
    [
        "providers: {a: {host: a.test, credential: {env: sk-proj-abcdefghijklmnop1234}}}",
        "stages: {x: {note: 'Bearer abcdefghijklmnop1234'}}",
        "stages: {x: {api_key: short}}",
        "stages: {x: {url: 'https://user:pass@host.test/'}}",
        "workloads: {a: {token_hashes: [og_abcdefghijklmnopqrstuvwxyz]}}",
        "stages: {x: [AKIAABCDEFGHIJKLMNOP]}",
        "stages: {x: {sk-ant-api03-abcdefghijklmnop: 1}}",
        "stages: {x: '-----BEGIN EC PRIVATE KEY-----'}",
        "stages: {x: eyJhbGciOiJI.eyJzdWIiOiIx.c2ln}",
    ],
)
def test_a_credential_in_the_policy_is_refused_and_never_shown(text):
    source = parse_source(text, "p.yaml")
    problems = validate(source)[1]

    assert "E_SECRET_INLINE" in [problem.code for problem in problems]
    for secret in ("abcdefghijklmnop", "AKIAA", "BEGIN EC", "eyJhb", "pass@", "short"):
        assert all(secret not in str(problem) for problem in problems)


def test_digests_and_names_of_variables_are_no_credentials():
    digest = "sha256:" + "ab" * 32
    workloads = f"workloads: {{a: {{token_hashes: ['{digest}']}}}}"

    assert (
        []
        == checked(
            workloads.replace("'}", " until 2027-01-31T00:00:00Z'}")
            + "\nproviders: {o: {host: o.test, credential: {env: OPENAI_API_KEY}}}"
        )[1]
    )


@pytest.mark.parametrize(
    "provider",
    [
        "{host: a.test, credential: {}}",
        "{host: a.test, credential: {env: A, file: b}}",
        "{host: a.test, tls: {client_certificate: a.pem}}",
        "{host: a.test, allow_addresses: [10.0.0.0/33]}",
        "{host: a.test, endpoints: [{address: a.test}]}",
        "{host: a.test, path_prefix: v1}",
        "{host: a.test, dialect: smoke_signals}",
        "{host: a.test, port: 0}",
    ],
)
def test_providers_that_make_no_sense(provider):
    assert ["E_VALUE"] == [code for code, _ in checked(f"providers:\n  p: {provider}")[1]]


@pytest.mark.parametrize(
    "trust",
    [
        "{issuer: i, audience: a, jwks: {}}",
        "{issuer: i, audience: a, jwks: {provider: p}}",
        "{issuer: i, audience: a, jwks: {file: f, provider: p, path: /x}}",
        "{issuer: i, audience: a, jwks: {file: f}, algorithms: [HS256]}",
        "{issuer: i, audience: a, jwks: {file: f}, algorithms: [none]}",
        "{issuer: i, audience: a, jwks: {file: f}, algorithms: []}",
    ],
)
def test_jwt_trusts_that_are_not_safe(trust):
    assert ["E_VALUE"] == [code for code, _ in checked(f"workloads: {{w: {{jwt: [{trust}]}}}}")[1]]


def test_canonical_content_does_not_depend_on_the_order_of_keys():
    one = checked("providers: {a: {host: a.test, port: 1}, b: {host: b.test}}")[0].policy
    two = checked("providers: {b: {host: b.test}, a: {port: 1, host: a.test}}")[0].policy

    assert canonical(one) == canonical(two)
