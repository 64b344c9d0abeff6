"""Usage of an exchange: a report on a whole answer, else at least what came."""

from types import SimpleNamespace

import pytest

from outgate.exchange.closing import landed, usage_of
from outgate.exchange.said import Said
from outgate.inference.input_tokens import InputTokens
from outgate.inference.usage import Usage
from outgate.stores.flights import Landed
from support.wire_bodies import CHAT

REPORT = Usage(input_tokens=50, output_tokens=9, cached_tokens=20)


def used(*, complete, streams=True, usage=None, texts=()):
    said = Said(lambda text: len(text.split()))
    for text in texts:
        said.add(text)
    delivery = SimpleNamespace(usage=usage, said=said, streams=streams, complete=complete)
    facts = {"model": "m", "tokens.in": InputTokens(60), "operation": CHAT}
    return usage_of(SimpleNamespace(get=facts.get), delivery)


def estimated(tokens_in, tokens_out, **fields):
    return Usage(input_tokens=tokens_in, output_tokens=tokens_out, estimated=True, **fields)


@pytest.mark.parametrize("streams", [False, True])
def test_a_whole_answer_used_what_its_provider_reported(streams):
    assert REPORT == used(complete=True, streams=streams, usage=REPORT, texts=["a b"] * streams)


def test_a_whole_stream_without_a_report_used_at_least_what_came():
    assert estimated(60, 3) == used(complete=True, texts=["a b", " c"])


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("usage", [None, Usage(), Usage(input_tokens=0, output_tokens=0, cached_tokens=0)])
def test_attack_a_server_that_tells_no_tokens_is_charged_what_came(streams, usage):
    assert estimated(60, 3) == used(complete=True, streams=streams, usage=usage, texts=["a b", " c"])


def test_a_whole_answer_without_a_report_is_unknown():
    assert (None, None) == (used(complete=True), used(complete=True, streams=False))


def test_a_stream_that_was_cut_used_its_input_and_what_came():
    assert estimated(60, 3) == used(complete=False, texts=["a b", " c"])
    assert estimated(60, 0) == used(complete=False)


def test_what_the_provider_had_reported_by_then_counts_where_it_is_more():
    begun = Usage(input_tokens=50, output_tokens=1, cached_tokens=20)

    assert estimated(50, 3, cached_tokens=20) == used(complete=False, usage=begun, texts=["a b", " c"])
    assert estimated(50, 9, cached_tokens=20) == used(complete=False, usage=REPORT, texts=["a b", " c"])


def test_a_whole_answer_that_was_cut_is_unknown():
    assert used(complete=False, streams=False) is None


def test_nothing_is_known_before_an_answer_began():
    assert usage_of(SimpleNamespace(), None) is None


class Facts:
    """An execution that has these facts."""

    def __init__(self, **facts):
        self._facts = facts

    def get(self, name):
        return self._facts.get(name.replace(".", "_"))


ASKED, UNASKED = SimpleNamespace(records=["one"]), SimpleNamespace(records=[])


@pytest.mark.parametrize(
    ("outcome", "attempts", "facts", "broke"),
    [
        ("answered", ASKED, {"r_status": 200}, False),
        ("answered", ASKED, {"r_status": 400}, False),
        ("answered", ASKED, {"r_status": 500}, True),
        ("denied", ASKED, {"r_status": 200}, False),
        ("denied", ASKED, {}, True),
        ("denied", UNASKED, {}, False),
        ("denied", None, {}, False),
        ("failed", ASKED, {"r_status": 200}, True),
        ("killed", ASKED, {}, True),
        ("client_gone", ASKED, {"r_status": 200}, False),
    ],
)
def test_a_call_broke_where_the_provider_was_asked_and_gave_no_answer(outcome, attempts, facts, broke):
    assert broke == landed(Facts(**facts), outcome, attempts).broke


def test_what_was_stored_is_for_those_who_wait():
    assert Landed("entry") == landed(Facts(r_status=200, cache_entry="entry"), "answered", ASKED)
