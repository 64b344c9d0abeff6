"""Every mistake in a policy leads straight to its repair: where it stands, what is wrong, and what to write instead."""

import json

import pytest

from outgate.policy.load import load_source
from outgate.policy.misplaced_keys import places
from outgate.policy.source import parse_source
from outgate.policy.validate import validate
from outgate.policy.validation_messages import nearest
from support.policies import BASE


def told(text):
    return [(each.code, each.line, each.message, each.repair) for each in validate(parse_source(text, "p.yaml"))[1]]


def only(text):
    (found,) = told(text)
    return found


@pytest.mark.parametrize(
    ("written", "mended"),
    [("10.0.0.5/8", "10.0.0.0/8"), ("192.168.7.1/255.255.0.0", "192.168.0.0/16"), ("'fd00::5/8'", "fd00::/8")],
)
def test_an_address_range_with_host_bits_is_mended(written, mended):
    code, line, message, repair = only(f"providers:\n  p:\n    host: a.test\n    allow_addresses: [{written}]\n")

    assert ("E_VALUE", 4, f"write {mended}") == (code, line, repair)
    assert "providers.p.allow_addresses.0" in message
    assert written.strip("'") in message


@pytest.mark.parametrize("written", ["10.0.0.0/33", "intranet", "[]"])
def test_what_is_no_address_range_gets_an_example(written):
    assert "10.0.0.0/8" in only(f"providers: {{p: {{host: a.test, allow_addresses: [{written}]}}}}")[3]


@pytest.mark.parametrize(
    ("text", "place", "meant"),
    [
        ("provider: {}", "at the top of a policy", "`providers`"),
        ("providers: {p: {hots: a.test, host: a.test}}", "of `providers.p`", "`host`"),
        ("providers: {p: {host: a.test, tls: {mnimum: '1.2'}}}", "of `providers.p.tls`", "`minimum`"),
        ("gateway: {limits: {head_second: 1}}", "of `gateway.limits`", "`head_seconds`"),
        ("routes: [{name: r, match: {path: [/v1]}}]", "of `routes.0.match`", "`paths`"),
        ("workloads: {w: {token_hash: []}}", "of `workloads.w`", "`token_hashes`"),
    ],
)
def test_an_unknown_key_names_its_place_and_the_nearest_key_of_that_place(text, place, meant):
    code, _, message, repair = only(text)

    assert ("E_UNKNOWN_KEY", f"did you mean {meant}?") == (code, repair)
    assert message.endswith(place)


def test_a_key_that_is_valid_elsewhere_only_is_not_proposed():
    repair = only("providers: {p: {host: a.test, client_certificat: x.pem}}")[3]

    assert "did you mean" not in repair
    assert "credential" in repair


@pytest.mark.parametrize(
    ("text", "belongs"),
    [
        ("gateway: {allow_addresses: [10.0.0.0/8]}", "providers.NAME"),
        ("providers: {p: {host: a.test, probe_path: /health}}", "providers.p.replicas.health"),
        ("routes: [{name: r, attempts: 3}]", "routes.0.retry"),
        ("body_bytes: 5", "gateway.limits"),
        ("routes: [{name: r, paths: [/v1]}]", "routes.0.match"),
    ],
)
def test_a_misplaced_key_is_told_where_it_belongs(text, belongs):
    code, _, _, repair = only(text)

    assert ("E_UNKNOWN_KEY", f"belongs under `{belongs}`") == (code, repair.partition(" ")[2])


def test_settings_of_a_stage_tell_where_a_key_of_them_belongs():
    source = parse_source(BASE.replace("  model_map:", "  token_budget: {warn_at: [0.5]}\n  model_map:"), "p.yaml")
    with pytest.raises(Exception, match="warn_at") as caught:
        load_source(source)

    assert "`warn_at` belongs under `stages.token_budget.limits.N`" in [each.repair for each in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("routes: [{name: all of it}]", "routes.0.name: 'all of it' does not fit here"),
        ("workloads: {w: {tenant: a/b}}", "workloads.w.tenant: 'a/b' does not fit here"),
        ("gateway: {limits: {head_seconds: fast}}", "gateway.limits.head_seconds: 'fast' should be a valid number"),
        ("gateway: {limits: {head_seconds: 0}}", "gateway.limits.head_seconds: 0 should be greater than 0"),
        ("providers: {p: {host: a.test, tls: {minimum: '9.9'}}}", "providers.p.tls.minimum: '9.9' should be '1.2' or '1.3'"),
    ],
)
def test_a_value_that_does_not_fit_is_shown(text, told):
    assert told == only(text)[2]


@pytest.mark.parametrize(
    "text",
    [
        "workloads: {w: {tenant: 'a1b2c3d4e5f6 '}}",
        "workloads: {w: {tenant: 'abcdefghijklmnopqrstuvwxyz/'}}",
        f"workloads: {{w: {{tenant: '{'a ' * 21}'}}}}",
        "providers: {p: {host: a.test, credential: {env: 'hunter 2'}}}",
        "workloads: {w: {token_hashes: ['hunter 2']}}",
    ],
)
def test_a_value_that_could_be_a_credential_is_not_shown(text):
    message = only(text)[2]

    assert "this value" in message
    assert not any(part in message for part in ("a1b2", "abcdef", "a a a", "hunter"))


def test_a_stage_out_of_place_is_told_where_it_belongs():
    assert "write it under `stages`" in only("model_map: {}")[3]


def test_settings_of_a_stage_get_the_same_help():
    source = parse_source(BASE.replace("passthrough: true", "passthru: true"), "p.yaml")
    with pytest.raises(Exception, match="passthru") as caught:
        load_source(source)
    (found,) = [each for each in caught.value.problems if each.code == "E_UNKNOWN_KEY"]

    assert ("p.yaml", 11, "did you mean `passthrough`?") == (found.file, found.line, found.repair)
    assert found.message.endswith("of `stages.model_map`")


@pytest.mark.parametrize(
    ("text", "repair"),
    [
        ("gateway: {listen: 8080}", "`127.0.0.1:8080` for example"),
        ("gateway: {limits: {body_bytes: 2MB}}", "an integer from 1, `8388608`"),
        ("gateway: {limits: {head_seconds: 0}}", "a number above 0 up to 86400"),
        ("providers: {p: {host: https://a.test}}", "without scheme or path"),
        ("providers: {p: {host: a.test, dialect: OpenAI}}", "did you mean `openai`?"),
        ("providers: {p: {host: a.test, tls: {minimum: 1.2}}}", 'in quotes, "1.2"'),
        ("providers: {p: {host: a.test, tls: {ca: 5}}}", "write text, or a list"),
        ("providers: {p: a.test}", "write `{host: a.test}`"),
        ("providers: {p: {host: a.test, credential: OPENAI_API_KEY}}", "write `{env: NAME}` with the name of the variable"),
        ("providers: {p: {host: a.test, tls: false}}", "write `{enabled: false}`"),
        ("providers: {p: {host: a.test, timeouts: 30}}", "write `{total: 30}`"),
        ("providers: {p: {host: a.test, endpoints: '10.0.0.1:80'}}", "write `[{address: 10.0.0.1:80}]`"),
        ("routes: [{name: r, match: '/v1/*'}]", 'write `{paths: ["/v1/*"]}`'),
        ("routes: [{name: r, retry: 3}]", "write `{attempts: 3}`"),
        ("routes: {name: r}", "write `[{…}]`"),
        ("providers: {p: {}}", "add `host`: a host name in lower case"),
        ("routes: [{name: r, match: {paths: /v1}}]", "write `[/v1]`"),
        ("routes: [{name: r, match: {methods: [post]}}]", "`POST` for example"),
        ("routes: [{name: r, retry: {backoff: 3}}]", "a list of 2, `[…]`, of which every item is a number above 0"),
        ("routes: [{name: r, retry: {backoff: [1]}}]", "a list of 2"),
        ("routes: [{name: r, retry: {backoff: [1, fast]}}]", "a number above 0 up to 86400"),
        ("routes: [{name: r, inherit: 5}]", "`true` or `false`, or a list"),
        ("routes: [{name: r, stages: {cache: true}}]", "write `{}` for what it does by itself, or `false`"),
        ("routes: [{name: r, match: {kinds: [chats]}}]", "did you mean `chat`?"),
        ("workloads: {my app: {}}", "use letters, digits"),
        ("routes: [chat]", "`name` (required)"),
        ("providers: {p: {host: a.test, credential: {}}}", "CredentialSection in docs/reference/policy.md"),
    ],
)
def test_one_problem_for_one_mistake_and_a_repair_that_says_what_to_write(text, repair):
    assert repair in only(text)[3]


def test_every_key_with_a_value_of_another_form_has_a_repair():
    for place in (place for found in places().values() for place in found if place[0] not in {"stages", "version"}):
        wrong = {"?": "?"}
        for step in reversed(place):
            wrong = [wrong] if step == "N" else {"n" if step == "NAME" else step: wrong}

        assert [] == [each for each in told(json.dumps(wrong)) if not all(each) or each[3] == "write "], place


def test_of_a_union_the_branch_that_was_meant_is_told():
    assert ["providers.p.tls.ca.0"] == [each[2].split(":")[0] for each in told("providers: {p: {host: a.test, tls: {ca: [5]}}}")]


@pytest.mark.parametrize("text", ["sk-proj-abcdefghijklmnop1234: 1", "providers: {sk-proj-abcdefghijklmnop1234: 1}"])
def test_a_key_that_looks_like_a_credential_is_never_shown(text):
    assert ["E_SECRET_INLINE"] == [code for code, *_ in told(text)]
    assert "abcdefghijklmnop" not in str(told(text))


def test_every_problem_says_where_it_stands_and_what_mends_it():
    text = "a: 1\nproviders: {p: {host: A}, q: 1}\nroutes: [{}, 3]\nworkloads: {'!': {tenant: 5}}\nstages: 1\n"

    assert len(told(text)) > 6
    assert [] == [each for each in told(text) if not all(each)]


def test_bodies_that_could_never_be_taken_are_no_limit():
    assert "less than four times body_bytes" in only("gateway: {limits: {body_bytes: 9000, buffered_bytes: 30000}}")[2]


def test_what_was_probably_meant():
    assert ["redact", ""] == [nearest(name, frozenset({"redact", "cache"})) for name in ("redcat", "zzz")]
