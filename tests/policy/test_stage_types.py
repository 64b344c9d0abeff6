import subprocess
import sys

import pytest

from outgate.pipeline.stage import Settings, Stage
from outgate.policy.stage_types import NullPort, Ports, UnknownPortError, build_stage, ports_of, stage_names, stage_type


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


def test_a_null_port_opens_nothing_and_can_be_asked_anything():
    port = Ports().accounts

    assert isinstance(port.limits.plus(3), NullPort)
    with pytest.raises(AttributeError):
        port.__await__  # noqa: B018


def test_every_stage_file_holds_exactly_one_stage_of_its_name():
    for name in stage_names():
        kind = stage_type(name)
        assert issubclass(kind, Stage)
        assert issubclass(kind.settings_type, Settings)
        assert name == kind.name
        assert set(kind.companions) <= stage_names()


def test_names_are_found_without_importing_stages():
    code = "import sys, outgate.policy.stage_types as found; found.stage_names(); print('outgate.stages.cache' in sys.modules)"

    assert "False" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_what_is_no_stage():
    for name in ("nothing", "__init__", "../x", "os"):
        with pytest.raises(LookupError):
            stage_type(name)
