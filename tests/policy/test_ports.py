import pytest

from outgate.pipeline.stage import Settings, Stage
from outgate.policy.ports import Inert, Ports, UnknownPortError, build_stage, ports_of


class Asking(Stage):
    name = "asking"

    def __init__(self, settings, accounts, catalog, wall):
        self.given = (settings, accounts, catalog, wall)


class Mistaken(Stage):
    name = "mistaken"

    def __init__(self, settings, tokeniser):
        pass


class Modest(Stage):
    name = "modest"

    def __init__(self, settings, own=5):
        self.own = own


def test_a_stage_gets_the_ports_it_names():
    settings, ports = Settings(), Ports(accounts="accounts", wall="wall")

    assert (settings, "accounts", "catalog", "wall") == build_stage(Asking, settings, ports, {"catalog": "catalog"}).given
    assert ["accounts", "catalog", "wall"] == list(ports_of(Asking))


def test_a_port_that_does_not_exist_is_named():
    with pytest.raises(UnknownPortError, match="mistaken asks for tokeniser"):
        build_stage(Mistaken, Settings(), Ports(), {})


def test_a_parameter_with_a_default_is_no_port():
    assert 5 == build_stage(Modest, Settings(), Ports(), {}).own


def test_an_inert_port_opens_nothing_and_can_be_asked_anything():
    port = Ports().accounts

    assert isinstance(port.limits.plus(3), Inert)
    with pytest.raises(AttributeError):
        port.__await__  # noqa: B018
