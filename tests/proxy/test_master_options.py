import pytest
from mitmproxy.exceptions import OptionsError

from outgate.proxy.master import SteadyOptions


def test_an_option_is_what_it_was_last_set_to():
    options = SteadyOptions()
    seen = [options.rawtcp]
    options.update(rawtcp=False)
    seen.append(options.rawtcp)
    options.reset()

    assert [True, False, True] == [*seen, options.rawtcp]


def test_who_is_told_of_a_change_reads_the_new_value():
    options, seen = SteadyOptions(), []

    class Listener:
        def told(self, updated):
            seen.append(options.rawtcp)

    listener = Listener()
    options.changed.connect(listener.told)
    assert options.rawtcp
    options.update(rawtcp=False)

    assert [False] == seen


def test_a_refused_change_changes_nothing():
    options = SteadyOptions()
    assert options.rawtcp

    class Refusing:
        def told(self, updated):
            raise OptionsError("no")

    refusing = Refusing()
    options.changed.connect(refusing.told)
    with pytest.raises(OptionsError):
        options.update_known(rawtcp=False)

    assert options.rawtcp


def test_an_unknown_option_is_no_attribute():
    with pytest.raises(AttributeError):
        _ = SteadyOptions().no_such_option
