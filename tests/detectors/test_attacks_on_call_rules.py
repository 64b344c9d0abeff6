"""Ways round a rule that denies a tool or an argument, each a call that a lenient client would run."""

import pytest

from outgate.detectors.call_rules import Caller, CallRule, CallRules, DenyRule
from outgate.inference.calls import Call, CallKind
from outgate.inference.principal import Principal

ME = Caller(Principal(name="coder"), "gpt-5")
ANY = {"tools": ["**"]}


def denied(call, *rules):
    return CallRules([], [DenyRule(**rule) for rule in rules]).judged(call, ME)


def allowed(call, *rules):
    return CallRules([CallRule(**rule) for rule in rules], []).judged(call, ME) is None


DISGUISED = [
    "wipe",
    "WIPE",
    "Wipe",
    " wipe",
    "wipe ",
    "wipe\n",
    "wi pe",
    "wi\u200bpe",
    "\ufeffwipe",
    "wi\u00adpe",
    "w\u0456pe",
    "\uff57\uff49\uff50\uff45",
    "wi\u0301pe",
    "\u24e6ipe",
    "functions.wipe",
    "Functions.Wipe",
    "mcp__server__wipe",
    "mcp--server--wipe",
    "server/wipe",
    "a/b/wipe",
    "functions/wipe",
    "default_api:wipe",
    "tools::wipe",
    "mcp.server.wipe",
    "w%69pe",
    "w&#105;pe",
    "w\\u0069pe",
]


@pytest.mark.parametrize("name", DISGUISED)
def test_a_name_in_disguise_is_denied(name):
    assert denied(Call(name, "{}"), {"tools": ["wipe"]})
    assert denied(Call(name, "{}"), {"tools": ["W*e"]})


@pytest.mark.parametrize("kind", CallKind)
def test_a_tool_is_denied_wherever_it_runs(kind):
    assert denied(Call("server/wipe", "{}", kind), {"tools": ["wipe"]})


def test_a_hyphen_for_an_underscore_is_denied():
    assert denied(Call("delete-repo", "{}"), {"tools": ["delete_repo"]})
    assert denied(Call("delete_repo", "{}"), {"tools": ["delete-repo"]})


@pytest.mark.parametrize("name", ["mcp__github__delete", "github/delete", "github.delete", "GitHub__delete", "x/github/delete"])
def test_a_server_is_denied_however_its_tools_are_named(name):
    assert denied(Call(name, "{}"), {"tools": ["github/*"]})
    assert denied(Call(name, "{}"), {"tools": ["mcp__github__*", "github__*"]})


@pytest.mark.parametrize("name", ["wipers", "swipe", "wipe_log", "unwipe/list", "wipe/list", "w_ipe"])
def test_other_names_pass(name):
    assert denied(Call(name, "{}"), {"tools": ["wipe"]}) is None


def test_a_star_alone_is_about_names_as_they_are_told():
    assert denied(Call("server/read", "{}", CallKind.MCP), {"tools": ["*"]}) is None
    assert denied(Call("server/read", "{}", CallKind.MCP), {"tools": ["*/*"]})
    assert denied(Call("read", "{}"), {"tools": ["*"]})


@pytest.mark.parametrize("name", DISGUISED[1:])
def test_a_name_in_disguise_is_not_allowed(name):
    assert not allowed(Call(name, "{}"), {"tools": ["wipe"]})


ETC = {**ANY, "where": [{"at": "/path", "starts_with": "/etc"}]}
PATHS = [
    '{"path":"/etc/shadow"}',
    '{"p\\u0061th":"/etc/shadow"}',
    '{"path":"\\/etc\\/shadow"}',
    '{"Path":"/etc/shadow"}',
    '{"PATH":"/etc/shadow"}',
    '{"path ":"/etc/shadow"}',
    '{"pa\u200bth":"/etc/shadow"}',
    '{"p\u0430th":"/etc/shadow"}',
    '{"path":"/srv","path":"/etc/shadow"}',
    '{"path":"/srv","Path":"/etc/shadow"}',
    '{"path":" /etc/shadow"}',
    '{"path":"//etc/shadow"}',
    '{"path":"/./etc/shadow"}',
    '{"path":"/srv/../etc/shadow"}',
    '{"path":"/ETC/shadow"}',
    '{"path":"/%65tc/shadow"}',
    '{"path":"file:///etc/shadow"}',
    '{"path":"file:/etc/shadow"}',
    '{"path":"\\\\etc\\\\shadow"}',
    '{"path":["/srv","/etc/shadow"]}',
    '{"path":{"value":"/etc/shadow"}}',
    '{"input":{"path":"/etc/shadow"}}',
    '{"edits":[{"path":"/etc/shadow"}]}',
    '{"input":"{\\"path\\":\\"/etc/shadow\\"}"}',
    '{"path":"[\\"/etc/shadow\\"]"}',
    '{"input":"\\"{\\\\\\"path\\\\\\":\\\\\\"/etc/shadow\\\\\\"}\\""}',
    '{"input":"{\\"path\\":\\"/etc/shadow\\",\\"path\\":\\"/srv\\"}"}',
    '{"input":" [{\\"Path\\":\\"/etc/shadow\\"}]"}',
    '{"other":1,"path":"/etc/shadow"}',
]


@pytest.mark.parametrize("arguments", PATHS)
def test_a_value_is_found_however_the_arguments_are_written(arguments):
    assert denied(Call("read", arguments), ETC)
    assert denied(Call("read", arguments), {**ANY, "where": [{"at": "/path", "under": "/etc"}]})


@pytest.mark.parametrize("path", ["../../etc/shadow", "~/../etc", "$HOME/x", "a/../../etc"])
def test_a_path_that_climbs_from_an_unknown_folder_is_denied(path):
    assert denied(Call("read", f'{{"path":"{path}"}}'), {**ANY, "where": [{"at": "/path", "under": "/etc"}]})


def test_json_in_the_text_of_a_custom_tool_is_read():
    assert denied(Call("read", '{"path":"/etc/shadow"}', CallKind.CUSTOM), ETC)


@pytest.mark.parametrize(
    "told",
    [
        "5000",
        '"5000"',
        '" 5000 "',
        '"5,000"',
        '"5.000,00"',
        '"5e3"',
        '"5_000"',
        '"0x1388"',
        '"\uff15000"',
        "5e3",
        "[1,5000]",
        '["5000"]',
        '{"value":"5000"}',
        '"5000 USD"',
        '"many"',
        '"[5000]"',
        '"Infinity"',
    ],
)
def test_a_number_is_compared_however_it_is_written(told):
    call = Call("pay", f'{{"amount":{told}}}')

    assert denied(call, {**ANY, "where": [{"at": "/amount", "at_least": 1000}]})
    assert not allowed(Call("pay", f'{{"amount":{told}}}'), {**ANY, "where": [{"at": "/amount", "at_most": 1000}]})


@pytest.mark.parametrize("told", ["5", '"5"', "null", "[]"])
def test_a_smaller_number_passes(told):
    assert denied(Call("pay", f'{{"amount":{told}}}'), {**ANY, "where": [{"at": "/amount", "at_least": 1000}]}) is None


@pytest.mark.parametrize("told", ["true", '"true"', '"TRUE"', '" true"', "1", '"1"', "[true]"])
def test_a_truth_value_is_found_however_it_is_written(told):
    assert denied(Call("push", f'{{"force":{told}}}'), {**ANY, "where": [{"at": "/force", "one_of": [True]}]})


@pytest.mark.parametrize("told", ["prod", "PROD", " prod", "pr\u200bod", "pr\u043ed", "\uff50rod"])
def test_a_word_is_found_however_it_is_written(told):
    assert denied(Call("deploy", f'{{"to":"{told}"}}'), {**ANY, "where": [{"at": "/to", "one_of": ["prod"]}]})


@pytest.mark.parametrize("told", ["rm -rf /", "rm  -rf /", "rm\\t-rf /", "RM -RF /", "r\u200bm -rf /", "rm%20-rf /", "rm\u00a0-rf"])
def test_a_phrase_is_found_however_it_is_spaced(told):
    assert denied(Call("shell", f'{{"command":"{told}"}}'), {**ANY, "where": [{"contains": "rm -rf"}]})
    assert denied(Call("shell", f'{{"command":"{told}"}}'), {**ANY, "where": [{"matches": "(?i)rm -rf"}]})


URLS = [
    "https://evil.test/x",
    "HTTPS://EVIL.TEST/x",
    "//evil.test",
    "evil.test",
    "https://good.test@evil.test/",
    "https://evil.test:443/",
    "https://evil.test.",
    "ftp://evil.test",
    " https://evil.test",
    "https:\\\\\\\\evil.test",
    "https://ev%69l.test/",
    "https://evil\u3002test/",
    "https://e\u200bvil.test",
    "https://ev\\til.test/",
    "https://evil.test@good.test/",
    '[\\"https://evil.test\\"]',
    "https://\uff45vil.test",
]


@pytest.mark.parametrize("url", URLS)
def test_a_host_is_found_however_the_url_is_written(url):
    assert denied(Call("fetch", f'{{"url":"{url}"}}'), {**ANY, "where": [{"at": "/url", "hosts": ["evil.test"]}]})


@pytest.mark.parametrize("url", ["https://evil.test.good.test/", "https://notevil.test/", "https://good.test/"])
def test_other_hosts_pass(url):
    assert denied(Call("fetch", f'{{"url":"{url}"}}'), {**ANY, "where": [{"at": "/url", "hosts": ["evil.test"]}]}) is None


FORCED = {
    "type": "object",
    "required": ["force"],
    "additionalProperties": False,
    "properties": {"force": {"const": True}, "amount": {"type": "number", "minimum": 100}, "id": {"type": "string"}},
}
SHAPES = [
    '{"force":true}',
    '{"force":"true"}',
    '{"force":1}',
    '{"Force":true}',
    '{"force":true,"other":1}',
    '{"force":true,"amount":"500"}',
    '{"force":"True","amount":"500","id":7}',
    '{"force":true,"amount":[500]}',
    '{"force":true,"FORCE":false}',
    '{"f\\u006frce":true}',
]


@pytest.mark.parametrize("arguments", SHAPES)
def test_arguments_are_in_a_schema_whatever_shape_they_are_given(arguments):
    assert denied(Call("push", arguments), {**ANY, "arguments": FORCED})


@pytest.mark.parametrize(
    "arguments", ['{"force":false}', '{"force":"no"}', "{}", '{"force":true,"amount":5}', '{"force":true,"amount":"5"}']
)
def test_other_arguments_are_not(arguments):
    assert denied(Call("push", arguments), {**ANY, "arguments": FORCED}) is None


@pytest.mark.parametrize(
    "rule",
    [
        {"where": [{"at": "/path", "under": "/srv"}]},
        {"arguments": {"properties": {"path": {"pattern": "^/srv/"}}, "required": ["path"]}},
    ],
)
@pytest.mark.parametrize("member", ["Path", "PATH", "path ", "pa\u200bth", "p\u0430th"])
def test_a_member_that_reads_like_one_that_is_known_is_not_allowed(rule, member):
    assert allowed(Call("read", '{"path":"/srv/a","mode":1}'), {**ANY, **rule})
    assert not allowed(Call("read", f'{{"path":"/srv/a","{member}":"/etc"}}'), {**ANY, **rule})
    assert not allowed(Call("read", f'{{"path":"/srv/a","deep":{{"{member}":"/etc"}}}}'), {**ANY, **rule})


@pytest.mark.parametrize("path", ["/srv/%2e%2e/etc", "/srv/\\\\u002e./etc", "/%73rv/../etc"])
def test_an_escaped_way_up_is_not_allowed(path):
    assert not allowed(Call("read", f'{{"path":"{path}"}}'), {**ANY, "where": [{"at": "/path", "under": "/srv"}]})


def test_a_call_that_cannot_be_read_ends_the_answer_where_its_tool_does():
    rules = [{"tools": ["wipe"], "action": "deny"}, {"tools": ["rm"]}]

    assert ("malformed", "deny") == denied(Call("functions.wipe", "{}", fault="name"), *rules)
    assert ("malformed", "deny") == denied(Call("wipe", "{"), *rules)
    assert ("malformed", None) == denied(Call("rm", "{"), *rules)
    assert ("malformed", None) == denied(Call("wipe." * 500_000, "{}", fault="name"), *rules)
