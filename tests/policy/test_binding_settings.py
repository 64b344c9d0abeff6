"""Placeholders and own tokens in a policy: what they become, and what is refused with which words."""

import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_source
from outgate.policy.source import parse_source
from outgate.upstreams.bindings import Holders, PassThrough, Placeholder, Scope

TEXT = "ghp_outgate-placeholder-5c0ffee5e11ab"
POLICY = """\
version: 1
providers:
  git:
    host: git.test
    dialect: %s
    placeholders: {token: {%s}}
    pass_through: [%s]
workloads:
  app: {groups: [coders], token_hashes: ["sha256:%s"]}
stages: {authenticate: {}, authorize: {allow: [{}]}, admit_parts: {allow_unjudged: [opaque]}, model_map: {passthrough: true}}
routes: [{name: all}]
"""
GOOD = f"text: {TEXT}, credential: {{env: GIT}}"


def loaded(placeholder=GOOD, own="", dialect="none"):
    return load_source(parse_source(POLICY % (dialect, placeholder, own, "0" * 64), "p.yaml"))


def problems(*args, **kwargs):
    with pytest.raises(PolicyError) as raised:
        loaded(*args, **kwargs)
    return [(problem.code, problem.message) for problem in raised.value.problems if problem.is_error]


def test_they_become_bindings_of_the_backend():
    more = "workloads: [app], groups: [coders], methods: [GET], paths: [/a], exclude: [{paths: [/b]}]"
    (git,) = loaded(
        f"{GOOD}, {more}, stands_in: {{headers: [private-token], query: [key], body: true}}",
        "{workloads: [app], prefixes: [gho_], header: authorization, also: [x-a], paths: [/c]}",
    ).catalog.backends

    ((placeholder, credential),) = git.placeholders
    assert "GIT" == credential.env
    assert placeholder == Placeholder(
        name="token", text=TEXT, holders=Holders(("app",), ("coders",)), scope=Scope(("GET",), ("/a",)),
        excluded=(Scope((), ("/b",)),), fields=("private-token",), query=("key",), body=True,
    )  # fmt: skip
    own = PassThrough(holders=Holders(("app",)), scope=Scope((), ("/c",)), prefixes=("gho_",), also=("x-a",))
    assert (own,) == git.pass_through


@pytest.mark.parametrize(
    ("placeholder", "own", "dialect", "told"),
    [
        ("text: ghp_0123456789abcdefghijklmnopqrst, credential: {env: GIT}", "", "none", "looks like a credential"),
        ("text: some-long-text-without-the-word, credential: {env: GIT}", "", "none", "this value does not fit here"),
        ("text: placeholder, credential: {env: GIT}", "", "none", "text"),
        (f"{GOOD}, stands_in: {{headers: [host]}}", "", "none", "frame or describe"),
        (f"{GOOD}, stands_in: {{body: true}}", "", "openai", "dialect none"),
        (f"text: {TEXT}, credential: {{env: GIT, header: x}}", "", "none", "no header, prefix or sigv4"),
        (GOOD, "{prefixes: [gho_]}", "none", "workloads or groups"),
        (GOOD, "{workloads: [app], also: [content-type]}", "none", "frame or describe"),
        (GOOD, "{workloads: [nobody]}", "none", "there is no workload"),
    ],
)
def test_what_cannot_be_is_told(placeholder, own, dialect, told):
    assert any(told in message for _, message in problems(placeholder, own, dialect))


@pytest.mark.parametrize(
    ("placeholder", "dialect"), [(GOOD, "openai"), (f"{GOOD}, stands_in: {{body: true}}", "none")], ids=["read", "in the body"]
)
def test_what_is_read_or_rewritten_is_not_streamed(placeholder, dialect):
    streams = POLICY.replace("    dialect", "    stream_uploads: true\n    dialect") % (dialect, placeholder, "", "0" * 64)
    with pytest.raises(PolicyError, match="stream_uploads"):
        load_source(parse_source(streams, "p.yaml"))
