import pytest

from outgate.pipeline.compiler import REQUEST_ORIGINS
from outgate.pipeline.facts import Origin
from outgate.pipeline.graph import Graph, Phase, Reach, covers
from outgate.pipeline.plan import Edge
from pipeline.standard import CLOSE_EXCHANGE, DISPATCH, RESTORE, STANDARD, stage, vary


def _graph(*placements, given=REQUEST_ORIGINS, **how):
    return Graph(placements, given, **how)


def test_a_stage_runs_in_the_phase_of_the_latest_fact_it_depends_on():
    phases = _graph(*STANDARD).phases

    assert {"output_guard", "record", "restore"} == {name for name, phase in phases.items() if phase is Phase.RESPONSE}
    assert Phase.CLOSE is phases["close_exchange"]
    assert Phase.AFTER is phases["cache_write"]
    assert Phase.REQUEST is phases["dispatch"]


def test_a_phase_reaches_through_derived_facts_and_declared_order():
    graph = _graph(
        DISPATCH, stage("one", "r.status", "hold"), stage("two", "hold", ""), stage("three", "conn", "", placed_after="two")
    )

    assert (Phase.RESPONSE, Phase.RESPONSE) == (graph.phases["two"], graph.phases["three"])


@pytest.mark.parametrize(
    ("name", "placements", "how", "expected"),
    [
        ("prompt", (), {}, True),
        ("prompt", (), {"given": frozenset({Origin.HEAD})}, False),
        ("principal", (), {}, False),
        ("principal", (), {"known": frozenset({"principal"})}, True),
        ("usage", (), {}, True),
        ("usage", (), {"closing": False}, False),
        ("line", (CLOSE_EXCHANGE,), {}, False),
        ("r.stream", (DISPATCH,), {}, False),
        ("verdict.out.any", (DISPATCH,), {}, False),
        ("r.status", (), {}, False),
    ],
)
def test_is_given(name, placements, how, expected):
    assert expected is _graph(*placements, **how).is_given(name)


def test_a_response_is_given_where_a_stage_answers_and_none_dispatches():
    from outgate.pipeline.contract import May

    assert _graph(stage("maintenance", "conn", may=May.RESPOND)).is_given("r.stream")


def test_sources_follow_facts_through_stages():
    graph = _graph(*STANDARD)

    assert {"headers", "conn"} < graph.sources(graph.nodes["authorize"])
    assert "prompt" not in graph.sources(graph.nodes["authorize"])


def test_only_a_rewrite_spares_and_only_what_it_preserves():
    graph = _graph(*STANDARD)
    redact, guard, count = (graph.nodes[name] for name in ("redact", "prompt_guard", "count_tokens"))

    assert redact.spares(guard, "prompt")
    assert not redact.spares(count, "prompt")
    assert not guard.spares(redact, "prompt")


def test_what_writes_nothing_is_not_spared():
    graph = _graph(vary(RESTORE, preserves="*"), stage("watch", "r.stream"), DISPATCH)

    assert not graph.nodes["restore"].spares(graph.nodes["watch"], "r.stream")


def test_covers_a_family():
    assert covers(("verdict.*",), "verdict.out.x")
    assert not covers(("verdict.out.*",), "verdict.x")
    assert covers(("hold",), "hold")
    assert not covers(("hold",), "holding")


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
