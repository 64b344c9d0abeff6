from outgate.pipeline.compiler import REQUEST_ORIGINS, compile_plan
from outgate.pipeline.graph import Graph
from outgate.pipeline.versions import UNSET, Version, Versions
from pipeline.more_stages import EMBED
from pipeline.standard import HYDRATE, STANDARD, swap


def _versions(placements):
    graph = Graph(placements, REQUEST_ORIGINS)
    return graph, Versions(graph, compile_plan(placements).order)


def _read(graph, versions, stage, fact):
    node = graph.nodes[stage]
    return next(versions.read(node, read) for read in node.reads if read.fact == fact)


def test_every_writer_makes_the_next_version():
    graph, versions = _versions(swap(HYDRATE))

    assert Version("prompt", 0) == _read(graph, versions, "hydrate", "prompt")
    assert Version("prompt", 1) == _read(graph, versions, "prompt_guard", "prompt")
    assert Version("prompt", 1) == _read(graph, versions, "redact", "prompt")
    assert Version("prompt", 2) == _read(graph, versions, "encode_request", "prompt") == versions.final("prompt")
    assert Version("model", 1) == versions.written(graph.nodes["model_map"], "model")
    assert versions.writer(Version("prompt", 0)) is None


def test_an_optional_read_that_nothing_writes_is_unset():
    placements = swap(drop="token_budget")
    graph, versions = _versions(placements)

    assert Version("hold", UNSET) == _read(graph, versions, "dispatch", "hold")


def test_content_follows_derived_facts_to_what_they_were_made_from():
    graph, versions = _versions(STANDARD)

    assert {Version("wire.body", 1), Version("prompt", 1), Version("tools", 0), Version("params", 0)} == versions.content(
        graph.nodes["dispatch"]
    )


def test_taint_ends_with_a_clearing_rewrite_and_returns_with_the_restored_answer():
    graph, versions = _versions(swap(EMBED))

    assert versions.tainted(Version("prompt", 0))
    assert not versions.tainted(Version("prompt", 1))
    assert not versions.tainted(Version("wire.body", 1))
    assert versions.tainted(versions.final("r.stream"))
    assert versions.holds_secret(versions.final("r.stream"))
    assert not versions.holds_secret(Version("r.stream", 1))
    assert not versions.tainted(Version("prompt", UNSET))
    assert graph.nodes["embed"] in graph.readers("prompt")
