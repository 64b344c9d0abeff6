"""close_exchange: the line tells what the cache and the router decided by."""

from outgate.inference.cached import CacheStatus
from outgate.inference.routing import Routing
from support.endings import ended
from support.metered import metered


def test_the_line_names_the_entry_the_checks_and_what_was_needed(tmp_path):
    vetoed = CacheStatus("similar", "miss", "vetoed", None, 0.9, None, "req_0", ("negation",))
    below = CacheStatus("similar", "miss", "below", None, 0.9, 0.91, "req_0", (), 0.97)
    told = [metered(tmp_path / each.reason, ended(cache_similar=each)).lines[0]["outgate.cache"][0] for each in (vetoed, below)]

    assert {
        "tier": "similar",
        "result": "miss",
        "reason": "vetoed",
        "checks": ["negation"],
        "entry": "req_0",
        "similarity": 0.9,
    } == told[0]
    assert (0.91, 0.97) == (told[1]["score"], told[1]["needed"])


def test_rules_of_a_route_are_counted_from_one(tmp_path):
    decided, last = Routing(name="a", method="rule", rule=0), Routing(name="b", method="fallback", rule=-1)
    told = [metered(tmp_path / each.name, ended(routing=each)).lines[0]["outgate.routing"] for each in (decided, last)]

    assert [{"name": "a", "method": "rule", "rule": 1}, {"name": "b", "method": "fallback"}] == told
