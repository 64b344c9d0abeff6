from typing import NamedTuple

import pytest

from outgate.pipeline.contract import Contract, May


class Reads(NamedTuple):
    prompt: str
    tokens_in: int
    endpoint_state: frozenset[str]
    verdict_out_x: str


def test_a_contract_is_read_off_a_view():
    contract = Contract.of(Reads, writes=("hold",), may=May.DENY)

    assert ("prompt", "tokens.in", "verdict.out.x") == contract.reads
    assert ("endpoint.state",) == contract.outside
    assert (("hold",), May.DENY, Reads) == (contract.writes, contract.may, contract.view)


class Unknown(NamedTuple):
    weather: str


def test_a_view_of_an_unknown_fact_is_refused():
    with pytest.raises(KeyError):
        Contract.of(Unknown)
