"""Arguments of scripts/faults and scripts/fuzz: a battery or a part of it, and never the whole suite unasked."""

import pytest

from slow.battery import chosen

PART = "tests/slow/faults/test_smuggling.py"


@pytest.mark.parametrize(
    ("arguments", "page", "given"),
    [
        (["fuzz"], "fuzz", ["tests/slow/fuzz"]),
        (["faults", "smuggling"], "smuggling", [PART]),
        (["faults", "-x"], "", ["tests/slow/faults", "-x"]),
        (["faults", "smuggling", "-x", "-k", "http2"], "", [PART, "-x", "-k", "http2"]),
        (["faults", "--tb=short", PART], "", ["--tb=short", PART]),
        (["faults", f"{PART}::test_mutations"], "", [f"{PART}::test_mutations"]),
        (["faults", "no_such_part"], "", ["tests/slow/faults", "no_such_part"]),
    ],
)
def test_arguments_choose_what_is_run(arguments, page, given):
    assert (page, given) == chosen(*arguments)
