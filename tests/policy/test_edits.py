"""An edit changes the lines it is about, in the style they stand in, and no other byte of a hand-written policy."""

import difflib

import pytest

from outgate.policy.edits import EditError, with_first, with_member, without_member
from outgate.policy.source import parse_source

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
        groups: [ people,
                  lab ]
        # digests of its tokens
        token_hashes:
        - "sha256:00"   # the laptop
        - 'sha256:01'

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
WORKLOADS = ("workloads",)
NEW = {"tenant": "acme", "groups": ["people", "on"], "token_hashes": ["sha256:22"]}


def changed(before, after):
    """The lines that went and came, and nothing else."""
    lines = list(difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True)))
    return [line.rstrip("\n") for line in lines if line[0] in "+-"]


def test_a_new_member_is_a_block_among_blocks_after_the_last_of_them():
    after = with_member(POLICY, WORKLOADS, "neu", NEW)

    assert [
        "+     neu:",
        "+         tenant: acme",
        "+         groups:",
        "+             - people",
        '+             - "on"',
        "+         token_hashes:",
        '+             - "sha256:22"',
    ] == changed(POLICY, after)
    assert after.index("# nightly") < after.index("neu:") < after.index("# nobody after it")


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (0, ['- "sha256:99"   # the laptop']),
        (1, ['- "sha256:99"', '- "sha256:00"   # the laptop']),
        (2, ['- "sha256:99"', '- "sha256:00"   # the laptop', "- 'sha256:01'"]),
    ],
)
def test_a_block_list_keeps_what_is_kept_as_it_was(keep, expected):
    after = with_first(POLICY, ("workloads", "research", "token_hashes"), "sha256:99", keep)

    assert expected == [line.strip() for line in after.splitlines() if "sha256:" in line and "batch" not in line]
    assert POLICY.partition('- "sha256')[0] == after.partition('- "sha256')[0]
    assert POLICY.partition("\n\n    # the second")[2] == after.partition("\n\n    # the second")[2]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [(0, '["sha256:99"]'), (1, '["sha256:99", "sha256:11"]'), (2, '["sha256:99", "sha256:11", "sha256:12"]')],
)
def test_a_flow_list_stays_one(keep, expected):
    after = with_first(POLICY, ("workloads", "batch", "token_hashes"), "sha256:99", keep)

    assert POLICY.replace('["sha256:11", "sha256:12"]', expected) == after


def test_a_member_goes_and_the_comments_around_it_stay():
    assert POLICY.replace("    batch: " + POLICY.partition("    batch: ")[2].partition("\n")[0] + "\n", "") == without_member(
        POLICY, WORKLOADS, "batch"
    )
    after = without_member(POLICY, WORKLOADS, "research")
    assert "    # the first team\n\n    # the second\n    batch:" in after


BEFORE_AND_AFTER = {
    "absent": ("a: 1\n# end\n", 'a: 1\nworkloads:\n  x:\n    token_hashes:\n      - "sha256:1"\n# end\n'),
    "null": ("workloads:   # here\na: 1\n", 'workloads:   # here\n  x:\n    token_hashes:\n      - "sha256:1"\na: 1\n'),
    "empty": ("workloads: {}   # here\na: 1\n", 'workloads:   # here\n  x:\n    token_hashes:\n      - "sha256:1"\na: 1\n'),
    "a comment inside": (
        "workloads:\n  # none yet\na: 1\n",
        'workloads:\n  x:\n    token_hashes:\n      - "sha256:1"\n  # none yet\na: 1\n',
    ),
    "flow": ("workloads: {y: {}}  # here\na: 1\n", 'workloads: {y: {}, x: {token_hashes: ["sha256:1"]}}  # here\na: 1\n'),
    "flow over lines": (
        "workloads: {\n  y: {},  # y\n}\na: 1\n",
        'workloads: {\n  y: {}, x: {token_hashes: ["sha256:1"]},  # y\n}\na: 1\n',
    ),
    "all of it flow": ("{a: 1, workloads: {}}", '{a: 1, workloads: {x: {token_hashes: ["sha256:1"]}}}'),
    "no line end": ("workloads:\n  y: {}", 'workloads:\n  y: {}\n  x:\n    token_hashes:\n      - "sha256:1"\n'),
    "lines of Windows": (
        "workloads:\r\n  y: {}\r\na: 1\r\n",
        'workloads:\r\n  y: {}\r\n  x:\r\n    token_hashes:\r\n      - "sha256:1"\r\na: 1\r\n',
    ),
    "a last member of nothing": (
        "workloads:\n  y:  # none\na: 1\n",
        'workloads:\n  y:  # none\n  x:\n    token_hashes:\n      - "sha256:1"\na: 1\n',
    ),
}


@pytest.mark.parametrize("name", BEFORE_AND_AFTER)
def test_a_member_is_added_to_a_mapping_in_any_form(name):
    before, after = BEFORE_AND_AFTER[name]

    assert after == with_member(before, WORKLOADS, "x", {"token_hashes": ["sha256:1"]})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("workloads:\n  x:\n    tenant: t  # a\nb: 1\n", "workloads: {}\nb: 1\n"),
        ("workloads:  # w\n  # about x\n  x: {}\nb: 1\n", "workloads: {}  # w\n  # about x\nb: 1\n"),
        ("workloads: {x: {}}  # w\n", "workloads: {}  # w\n"),
        ("workloads: {x: {}, y: {}}\n", "workloads: {y: {}}\n"),
        ("workloads: {y: {}, x: {}, z: {}}\n", "workloads: {y: {}, z: {}}\n"),
        ("workloads:\n  y: {}\n  x: {}", "workloads:\n  y: {}\n"),
    ],
)
def test_a_member_is_taken_out_of_a_mapping_in_any_form(before, after):
    assert after == without_member(before, WORKLOADS, "x")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("w:\n  x: {}  # c\n", 'w:\n  x:  # c\n    h:\n      - "sha256:1"\n'),
        ("w:\n  x:\n    t: 1\n", 'w:\n  x:\n    t: 1\n    h:\n      - "sha256:1"\n'),
        ("w: {x: {t: 1}}\n", 'w: {x: {t: 1, h: ["sha256:1"]}}\n'),
        ("w: {x: {h: []}}\n", 'w: {x: {h: ["sha256:1"]}}\n'),
        ("w:\n  x:\n    h: []  # c\n", 'w:\n  x:\n    h: ["sha256:1"]  # c\n'),
        ("w:\n  x:\n    h:  # c\n", 'w:\n  x:\n    h: ["sha256:1"]  # c\n'),
    ],
)
def test_a_list_is_begun_where_there_is_none(before, after):
    assert after == with_first(before, ("w", "x", "h"), "sha256:1")


@pytest.mark.parametrize("name", ["", "a b", "a: b", "x # y", "- z", "true", "1", '"', "a\nb", "{", "é"])
def test_whatever_the_name_only_that_name_is_added(name):
    before = "workloads:\n  y: {}\na: 1\n"
    data = parse_source(with_member(before, WORKLOADS, name, {"tenant": name, "groups": [name]}), "").data

    assert {"workloads": {"y": {}, name: {"tenant": name, "groups": [name]}}, "a": 1} == data


@pytest.mark.parametrize("text", ["", "- a\n", "workloads: [a]\n", "workloads: text\n"])
def test_what_is_no_policy_is_not_edited(text):
    with pytest.raises(EditError):
        with_member(text, WORKLOADS, "x", {"tenant": "t"})
    with pytest.raises(EditError):
        with_first(text, (*WORKLOADS, "x", "h"), "sha256:1")
    with pytest.raises(EditError):
        without_member(text, WORKLOADS, "x")
