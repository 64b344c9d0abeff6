"""Rules about tool calls: names, kinds, callers, schemas; what cannot be read passes nowhere."""

import time

import pytest
from pydantic import ValidationError

from outgate.detectors.call_rules import Caller, CallRule, CallRules, DenyRule, Refused
from outgate.inference.calls import Call, CallKind
from outgate.inference.principal import Principal

ME = Caller(Principal(name="coder", claims=frozenset({("team", "core")})), "gpt-5")
ANY = {"tools": ["**"]}


def judged(call, *, allow=(), deny=(), caller=ME):
    refused = CallRules([CallRule(**rule) for rule in allow], [DenyRule(**rule) for rule in deny]).judged(call, caller)
    return refused and refused.rule


def test_what_no_rule_allows_is_refused_and_says_why():
    allow = [{"tools": ["read_*"], "where": [{"at": "/path", "under": "/srv"}]}]

    assert judged(Call("read_file", '{"path":"/srv/a"}'), allow=allow) is None
    assert "arguments" == judged(Call("read_file", '{"path":"/etc/a"}'), allow=allow)
    assert "not_allowed" == judged(Call("write_file", '{"path":"/srv/a"}'), allow=allow)
    assert "not_allowed" == judged(Call("Read_file", '{"path":"/srv/a"}'), allow=allow)


def test_what_a_rule_denies_is_refused_whatever_allows_it_and_in_any_case():
    assert "deny.2" == judged(Call("RM", "{}"), allow=[ANY], deny=[{"tools": ["mv"]}, {"tools": ["rm"]}])
    assert judged(Call("ls", "{}"), deny=[{"tools": ["rm"]}]) is None


def test_the_action_is_that_of_the_first_rule_that_denies():
    rules = CallRules([], [DenyRule(tools=("rm",), action="flag"), DenyRule(tools=("**",), action="deny")])

    assert Refused("deny.1", "flag") == rules.judged(Call("rm", "{}"), ME)


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        ({"workloads": ["cod*"]}, True),
        ({"workloads": ["other"]}, False),
        ({"models": ["gpt-*"]}, True),
        ({"models": ["claude-*"]}, False),
        ({"claims": {"team": ["core"]}}, True),
        ({"claims": {"team": ["sales"]}}, False),
        ({"claims": {"role": ["**"]}}, False),
        ({"kinds": ["function"]}, True),
        ({"kinds": ["mcp", "hosted"]}, False),
    ],
)
def test_a_rule_is_about_these_callers_models_and_kinds(scope, applies):
    call = Call("read", "{}")

    assert (None if applies else "not_allowed") == judged(call, allow=[{**ANY, **scope}])
    assert ("deny.1" if applies else None) == judged(call, deny=[{**ANY, **scope}])


def test_a_model_that_is_not_known_is_not_allowed_and_is_denied():
    nobody, scoped = ME._replace(model=None), {**ANY, "models": ["gpt-5"]}

    assert "not_allowed" == judged(Call("read", "{}"), allow=[scoped], caller=nobody)
    assert "deny.1" == judged(Call("read", "{}"), deny=[scoped], caller=nobody)


MALFORMED = [
    "{", "[]", '"x"', "7", "null", '{"a":1,"a":2}', '{"a":NaN}', "{} {}", '{"a":1}garbage', '{"a":1e999}', "{'a':1}",
    '{"a":"\\ud800"}', "[" * 100_000, '{"a":' * 70 + "1" + "}" * 70, "\ud800", '{"a":"\x01"}',
]  # fmt: skip


@pytest.mark.parametrize("arguments", MALFORMED)
def test_arguments_that_are_not_one_object_pass_nowhere(arguments):
    assert "malformed" == judged(Call("read", arguments), allow=[ANY])
    assert "malformed" == judged(Call("read", arguments), deny=[{"tools": ["rm"]}])


def test_a_call_with_a_fault_passes_nowhere():
    assert "malformed" == judged(Call("read", "{}", fault="name"), allow=[ANY])


def test_no_arguments_are_an_empty_object_and_escapes_are_read():
    allow = [{**ANY, "arguments": {"properties": {"a": {"const": "/x"}}}}]

    assert judged(Call("read", ""), allow=allow) is None
    assert judged(Call("read", '{"\\u0061":"\\/x"}'), allow=allow) is None
    assert "arguments" == judged(Call("read", '{"\\u0061":"\\/y"}'), allow=allow)


def test_the_input_of_a_custom_tool_is_text():
    allow = [{**ANY, "arguments": {"properties": {"input": {"pattern": "^ls( |$)"}}, "required": ["input"]}}]

    assert judged(Call("shell", "ls -l", CallKind.CUSTOM), allow=allow) is None
    assert "arguments" == judged(Call("shell", "{", CallKind.CUSTOM), allow=allow)


@pytest.mark.parametrize(
    "schema",
    [{"type": "nonsense"}, {"pattern": "(?=a)"}, {"$ref": "https://example.com/schema"}, {"$ref": "#/nowhere"}, {"required": 3}],
)
def test_a_schema_that_is_none_or_elsewhere_is_refused(schema):
    with pytest.raises(ValidationError, match="no JSON Schema"):
        CallRule(tools=("read",), arguments=schema)


def test_a_megabyte_is_judged_in_linear_time():
    schema = {"properties": {"q": {"pattern": "(a+)+$"}, "l": {"uniqueItems": True}}}
    call = Call("read", '{"q":"' + "a" * 500_000 + 'b","l":[' + ",".join(f'{{"a":{at}}}' for at in range(20_000)) + "]}")
    rules = CallRules([CallRule(tools=("read",), arguments=schema)], [])
    begun = time.process_time()

    assert Refused("arguments") == rules.judged(call, ME)
    assert time.process_time() - begun < 1


def test_a_megabyte_is_denied_in_linear_time():
    tests = (
        {"matches": "(a+)+$"},
        {"contains": "ab"},
        {"under": "/a"},
        {"hosts": ["x"]},
        {"starts_with": "b"},
        {"one_of": ["x", "y"]},
        {"at_least": 5},
    )
    for text in ("a" * 1_000_000, "[" + "[" * 500_000, "1," * 500_000, "x.y " * 250_000, "%61" * 300_000, '{\\"a\\":' * 100_000):
        rules = CallRules([], [DenyRule(**ANY, where=[{"at": "/q", **test}]) for test in tests])
        begun = time.process_time()
        rules.judged(Call("read", f'{{"q":"{text}"}}'), ME)

        assert time.process_time() - begun < 3


def test_nested_arguments_are_denied_in_linear_time():
    rules = CallRules([], [DenyRule(**ANY, where=[{"at": "/a/*/a", "contains": "x"}], arguments={"required": ["b"]})])
    begun = time.process_time()
    rules.judged(Call("read", '{"a":' * 60 + "[" + ",".join(['{"a":"y"}'] * 10_000) + "]" + "}" * 60), ME)

    assert time.process_time() - begun < 1
