"""An edit changes the lines of one workload, and no other byte of a hand-written policy."""

import difflib
from pathlib import Path

import pytest

from outgate.policy.source import parse_source
from outgate.policy.workload_entry import EditError, with_first_digest, with_workload, without_workload

POLICIES = [
    path for path in sorted((Path(__file__).parents[2] / "policies").rglob("*.yaml")) if not path.name.endswith(".test.yaml")
]
POLICY = """\
# Head comment of the file.
version: 1   # the only one

gateway:
    listen: 127.0.0.1:8080    # local

providers:
    openai:
        host: "api.openai.com"
        credential: { env: OPENAI_API_KEY }   # flow with spaces
        aliases:
        - gw.local
        - gw2.local

# Who may call.
workloads:
    # the first team
    research:
        tenant: 'acme'     # quoted
        groups: [people, lab]
        # digests of its tokens
        token_hashes:
        - "sha256:00"   # the laptop
        - 'sha256:01'   # the desk
        # what else it may be
        certificates: []

    # the second
    batch: {tenant: acme, token_hashes: ["sha256:11", "sha256:12"]}   # nightly
    # nobody after it

# Stages follow.
stages:
    authorize:
        allow:
        - paths:   [/v1/chat/completions]
    prompt_guard:
        answer: >
            folded text
            in two lines
    authorize_model: {allow: [{models: ["**"]}]}

routes:
- name: all      # all of it
"""
NEW = {"tenant": "acme", "groups": ["people", "on"], "token_hashes": ["sha256:22"]}


def changed(before, after):
    """The lines that went and came, and nothing else."""
    lines = list(difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True)))
    return [line.rstrip("\n") for line in lines if line[0] in "+-"]


def test_a_new_workload_stands_behind_the_last_of_them():
    after = with_workload(POLICY, "neu", NEW)

    assert [
        "+     neu:",
        "+         tenant: acme",
        "+         groups: [people, on]",
        '+         token_hashes: ["sha256:22"]',
    ] == changed(POLICY, after)
    assert after.index("# nightly") < after.index("neu:") < after.index("# nobody after it")


@pytest.mark.parametrize(
    ("keep", "went_and_came"),
    [
        (0, ['+ - "sha256:99"', '- - "sha256:00"   # the laptop', "- - 'sha256:01'   # the desk"]),
        (1, ['+ - "sha256:99"', "- - 'sha256:01'   # the desk"]),
        (2, ['+ - "sha256:99"']),
    ],
)
def test_a_digest_comes_first_and_those_that_go_take_their_comments_with_them(keep, went_and_came):
    after = with_first_digest(POLICY, "research", "sha256:99", keep)

    assert went_and_came == [line.replace(" " * 9, " ", 1) for line in changed(POLICY, after)]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [(0, '["sha256:99"]'), (1, '["sha256:99", "sha256:11"]'), (2, '["sha256:99", "sha256:11", "sha256:12"]')],
)
def test_a_flow_list_stays_one(keep, expected):
    after = with_first_digest(POLICY, "batch", "sha256:99", keep)

    assert f"batch: {{tenant: acme, token_hashes: {expected}}}" in after
    assert "# nightly" in after
    assert 2 == len(changed(POLICY, after)) - sum(line.startswith("?") for line in changed(POLICY, after))


def test_a_workload_goes_and_the_comments_around_it_stay():
    assert ['-     batch: {tenant: acme, token_hashes: ["sha256:11", "sha256:12"]}   # nightly'] == changed(
        POLICY, without_workload(POLICY, "batch")
    )
    assert "    # the first team\n\n    # the second\n    batch:" in without_workload(POLICY, "research")


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_shipped_policy_gets_lines_and_loses_none(path):
    text = path.read_text()
    after = with_workload(text, "neu", NEW)

    assert {"workloads: {}"} >= {line[2:] for line in changed(text, after) if line[0] == "-"}
    assert text == without_workload(after, "neu")
    assert text.count("#") == with_first_digest(after, "neu", "sha256:99", 1).count("#")


BEFORE_AND_AFTER = {
    "absent": ("a: 1\n# end\n", 'a: 1\n# end\nworkloads:\n  x:\n    token_hashes: ["sha256:1"]\n'),
    "null": ("workloads:   # here\na: 1\n", 'workloads:   # here\n  x:\n    token_hashes: ["sha256:1"]\na: 1\n'),
    "empty": ("workloads: {}\na: 1\n", 'workloads:\n  x:\n    token_hashes: ["sha256:1"]\na: 1\n'),
    "a comment inside": (
        "workloads:\n  # none yet\na: 1\n",
        'workloads:\n  x:\n    token_hashes: ["sha256:1"]\n  # none yet\na: 1\n',
    ),
    "flow": ("workloads: {y: {}} # here\na: 1\n", 'workloads: {y: {}, x: {token_hashes: ["sha256:1"]}} # here\na: 1\n'),
    "no line end": ("workloads:\n  y: {}", 'workloads:\n  y: {}\n  x:\n    token_hashes: ["sha256:1"]\n'),
    "lines of Windows": (
        "workloads:\r\n  y: {}\r\na: 1\r\n",
        'workloads:\r\n  y: {}\r\n  x:\r\n    token_hashes: ["sha256:1"]\r\na: 1\r\n',
    ),
    "a last workload of nothing": (
        "workloads:\n  y:  # none\na: 1\n",
        'workloads:\n  y:  # none\n  x:\n    token_hashes: ["sha256:1"]\na: 1\n',
    ),
}


@pytest.mark.parametrize("name", BEFORE_AND_AFTER)
def test_a_workload_is_added_to_a_section_in_any_form(name):
    before, after = BEFORE_AND_AFTER[name]

    assert after == with_workload(before, "x", {"token_hashes": ["sha256:1"]})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("workloads:\n  x:\n    tenant: t  # a\nb: 1\n", "workloads: {}\nb: 1\n"),
        ("workloads:  # w\n  # about x\n  x: {}\nb: 1\n", "workloads: {}  # w\n  # about x\nb: 1\n"),
        ("workloads: {x: {}} # w\n", "workloads: {}      # w\n"),
        ("workloads: {x: {}, y: {}}\n", "workloads: {y: {}}\n"),
        ("workloads:\n  y: {}\n  x: {}", "workloads:\n  y: {}\n"),
    ],
)
def test_a_workload_is_taken_out_of_a_section_in_any_form(before, after):
    assert after == without_workload(before, "x")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("workloads:\n  x:  # c\n", 'workloads:\n  x:  # c\n    token_hashes: ["sha256:1"]\n'),
        ("workloads:\n  x: {}\n", 'workloads:\n  x:\n    token_hashes: ["sha256:1"]\n'),
        ("workloads:\n  x:\n    tenant: t\n", 'workloads:\n  x:\n    tenant: t\n    token_hashes: ["sha256:1"]\n'),
        ("workloads: {x: {tenant: t}}\n", 'workloads: {x: {tenant: t, token_hashes: ["sha256:1"]}}\n'),
        ("workloads:\n  x:\n    token_hashes: []\n", 'workloads:\n  x:\n    token_hashes: ["sha256:1"]\n'),
    ],
)
def test_a_list_of_digests_is_begun_where_there_is_none(before, after):
    assert after == with_first_digest(before, "x", "sha256:1")


@pytest.mark.parametrize("name", ["", "a b", "a: b", "x # y", "- z", "true", "1", '"', "a\nb", "{", "é"])
def test_whatever_the_name_only_that_name_is_added(name):
    before = "workloads:\n  y: {}\na: 1\n"
    data = parse_source(with_workload(before, name, {"tenant": name, "groups": [name]}), "").data

    assert {"workloads": {"y": {}, name: {"tenant": name, "groups": [name]}}, "a": 1} == data


@pytest.mark.parametrize(
    "text",
    ["", "- a\n", "workloads: [a]\n", "workloads: text\n", "{a: 1, workloads: {}}", "workloads: {\n  y: {},  # y\n}\n"],
)
def test_what_has_no_place_for_an_edit_is_not_edited(text):
    with pytest.raises(EditError):
        with_workload(text, "x", {"tenant": "t"})
