import pytest

from outgate.inference.principal import Principal
from outgate.net.headers import Headers
from outgate.routing.conditions import RequestWhen, Size, When

WHO = Principal(name="agent", groups=frozenset({"research"}), claims=frozenset({("department", "legal"), ("plan", "pro")}))
FIELDS = Headers([("X-Canary", "yes"), ("x-team", "blue"), ("x-team", "red")])


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        ({}, True),
        ({"workloads": ["agent"]}, True),
        ({"workloads": ["other"]}, False),
        ({"groups": ["research"]}, True),
        ({"groups": ["sales"]}, False),
        ({"headers": {"X-CANARY": "yes"}}, True),
        ({"headers": {"x-canary": "no"}}, False),
        ({"headers": {"x-team": "re*"}}, True),
        ({"headers": {"x-absent": "*"}}, False),
        ({"claims": {"department": "legal"}}, True),
        ({"claims": {"department": "sales"}}, False),
        ({"claims": {"absent": "**"}}, False),
        ({"claims": {"plan": "p*"}, "headers": {"x-canary": "no"}}, False),
    ],
)
def test_all_that_is_written_must_hold(written, holds):
    assert holds == When.model_validate(written).holds(WHO, FIELDS)


def test_a_header_condition_does_not_hold_where_no_header_is_known():
    assert not When(headers={"x-canary": "yes"}).holds(WHO, None)


@pytest.mark.parametrize(
    ("written", "fits"),
    [
        ({}, True),
        ({"tools": True}, True),
        ({"tools": False}, False),
        ({"media": True}, False),
        ({"input_tokens": 100}, True),
        ({"input_tokens": 101}, False),
        ({"output_tokens": 50, "tools": True}, True),
        ({"output_tokens": 51}, False),
    ],
)
def test_the_request_must_be_of_that_kind_and_size(written, fits):
    assert fits == RequestWhen.model_validate(written).fits(Size(tools=True, media=False, input_tokens=100, output_tokens=50))
