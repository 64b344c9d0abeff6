from outgate.pipeline.plan import Edge
from outgate.pipeline.reach import Reach


def _reach(*pairs: str) -> Reach:
    return Reach("abcde", [Edge(pair[0], pair[1], "") for pair in pairs])


def test_leads_is_transitive_and_one_way():
    reach = _reach("ab", "bc")

    assert reach.leads("a", "c")
    assert not reach.leads("c", "a")
    assert reach.ordered("c", "a")
    assert not reach.ordered("a", "d")


def test_path_is_the_shortest_one():
    assert ("a", "c", "d") == _reach("ab", "bc", "cd", "ac").path("a", "d")
    assert () == _reach("ab").path("b", "a")


def test_every_component_gives_its_shortest_cycle():
    reach = _reach("ab", "bc", "ca", "ba", "de", "ed")

    assert [("a", "b", "a"), ("d", "e", "d")] == reach.cycles()


def test_an_edge_to_a_stage_that_is_not_there_is_nothing():
    assert () == Reach("ab", [Edge("a", "z", "")]).path("a", "b")


def test_no_cycle_where_there_is_an_order():
    assert [] == _reach("ab", "bc", "ac").cycles()
