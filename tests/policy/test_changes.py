"""Words of the log on a policy that takes the place of another."""

import pytest

from outgate.policy.changes import changes, parts_of
from outgate.policy.source import parse_source
from outgate.policy.validate import validate
from support.policies import BASE


def parts(text: str) -> dict[str, bytes]:
    return parts_of(validate(parse_source(text, "p.yaml"))[0].policy)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("alpha", "other", {"workloads.alpha removed", "workloads.other added"}),
        ("stages:\n", "stages:\n  redact: {}\n", {"stages.redact added"}),
        ("version: 1\n", "version: 1\ngateway: {listen: '127.0.0.1:9'}\n", {"gateway.listen changed"}),
        ("routes:\n", "routes:\n  - {name: first, match: {paths: [/v1/x]}}\n", {"routes.first added"}),
    ],
)
def test_parts_that_differ_are_named(before, after, told):
    assert before in BASE
    assert told <= set(changes(parts(BASE), parts(BASE.replace(before, after))).split(", "))


def test_what_a_part_says_is_not_told():
    said = changes(parts(BASE), parts(BASE.replace("version: 1\n", "version: 1\ngateway: {secret: {env: HIDDEN_NAME}}\n")))

    assert "gateway.secret changed" == said


def test_the_order_of_routes_is_a_change():
    two = BASE + "  - {name: last, match: {paths: [/v1/x]}}\n"
    first = parts(two)

    assert "routes changed" == changes(first, first | {"routes": b"other"})


def test_a_file_that_the_policy_names():
    assert "a file that it names changed" == changes(parts(BASE), parts(BASE))


def test_of_many_the_first_are_named():
    assert changes({}, {f"workloads.w{number}": b"" for number in range(9)}).endswith("workloads.w5 added and 3 more")
