import os

import pytest
from prometheus_client.parser import text_string_to_metric_families

from outgate.metering import metrics as under_test
from outgate.metering.metrics import Metrics, render
from outgate.metering.series import read_series
from outgate.metering.table import LAYOUT, METRICS


def samples(folder):
    families = text_string_to_metric_families(render(folder).decode())
    return {(sample.name, tuple(sample.labels.values())): sample.value for family in families for sample in family.samples}


def test_counts_add_up(tmp_path):
    metrics = Metrics(tmp_path)
    metrics.add("outgate_verdicts_total", ("cache", "a"))
    metrics.add("outgate_verdicts_total", ("cache", "a"), 2.5)
    metrics.add("outgate_verdicts_total", ("cache", "b"))

    found = samples(tmp_path)
    assert (3.5, 1.0) == (found["outgate_verdicts_total", ("cache", "a")], found["outgate_verdicts_total", ("cache", "b")])


@pytest.mark.parametrize(("value", "first"), [(0.0, "1.0"), (1.0, "1.0"), (1.5, "4.0"), (16.0, "16.0"), (1e12, "+Inf")])
def test_a_value_falls_into_every_bucket_from_its_own_on(tmp_path, value, first):
    labels = ("chat", "openai", "gpt-4o", "input", "agent")
    Metrics(tmp_path).observe("gen_ai_client_token_usage", labels, value)
    found = {name[1][-1]: count for name, count in samples(tmp_path).items() if name[0] == "gen_ai_client_token_usage_bucket"}

    assert first == next(bound for bound, count in found.items() if count)
    assert sorted(found.values()) == list(found.values())
    assert 1.0 == found["+Inf"] == samples(tmp_path)["gen_ai_client_token_usage_count", labels]
    assert value == samples(tmp_path)["gen_ai_client_token_usage_sum", labels]


def test_a_summary_is_a_count_and_a_sum(tmp_path):
    metrics = Metrics(tmp_path)
    metrics.observe_each("outgate_stage_seconds", [(("cache", "ok"), 0.25), (("cache", "ok"), 0.5), (("cache", "denied"), 1.0)])
    found = samples(tmp_path)

    assert (2.0, 0.75) == (
        found["outgate_stage_seconds_count", ("cache", "ok")],
        found["outgate_stage_seconds_sum", ("cache", "ok")],
    )
    assert 1.0 == found["outgate_stage_seconds_count", ("cache", "denied")]


@pytest.mark.filterwarnings("ignore:.*fork")  # the child touches nothing that a thread may hold
def test_workers_are_summed_exactly_over_kills_and_restarts(tmp_path):
    for _ in range(3):
        children = []
        for _ in range(2):
            child = os.fork()
            if child == 0:
                metrics = Metrics(tmp_path)
                for _ in range(1000):
                    metrics.add("outgate_answers_total", ("upstream",))
                os.kill(os.getpid(), 9)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)

    assert 6000.0 == samples(tmp_path)["outgate_answers_total", ("upstream",)]
    assert 2 >= len(list(tmp_path.iterdir()))


def test_a_metric_has_a_bounded_number_of_series(tmp_path):
    metrics = Metrics(tmp_path, most=10)
    for number in range(1000):
        metrics.add("outgate_verdicts_total", ("stage", f"code-{number}"))
    found = samples(tmp_path)
    denials = {labels: value for (name, labels), value in found.items() if name == "outgate_verdicts_total"}

    assert 11 == len(denials)
    assert 1000.0 == sum(denials.values())
    assert 990.0 == denials["other", "other"] == found["outgate_metrics_overflow_total", ("outgate_verdicts_total",)]


def test_the_bound_holds_over_restarts(tmp_path):
    for start in range(0, 40, 10):
        metrics = Metrics(tmp_path, most=10)
        for number in range(start, start + 10):
            metrics.add("outgate_verdicts_total", ("stage", str(number)))
        metrics.close()

    assert 11 == sum(name == "outgate_verdicts_total" for name, _ in samples(tmp_path))


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", 'x{y="z"} 5', "}", "ü", "a,b=c"])
def test_no_label_value_breaks_the_text(tmp_path, value):
    Metrics(tmp_path).add("outgate_verdicts_total", (value, "code"))

    assert 1.0 == samples(tmp_path)["outgate_verdicts_total", (value, "code")]


def test_label_values_are_cut(tmp_path):
    Metrics(tmp_path).add("outgate_verdicts_total", ("s" * 500, "code"))

    assert 1.0 == samples(tmp_path)["outgate_verdicts_total", ("s" * 96, "code")]


def test_every_declared_metric_can_be_written_and_is_rendered(tmp_path):
    metrics = Metrics(tmp_path)
    for metric in METRICS:
        labels = tuple(f"l{number}" for number in range(len(metric.labels)))
        (metrics.observe if metric.cells > 1 else metrics.add)(metric.name, labels, 1.0)

    names = {family.name for family in text_string_to_metric_families(render(tmp_path).decode())}
    assert {metric.name.removesuffix("_total") for metric in METRICS} == names


def test_an_unknown_metric_is_a_mistake(tmp_path):
    with pytest.raises(KeyError):
        Metrics(tmp_path).add("outgate_typo_total")


def test_a_wrong_number_of_labels_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="zip"):
        Metrics(tmp_path).add("outgate_verdicts_total", ("one",))


def test_an_empty_folder_renders_the_table_alone(tmp_path):
    assert all(line.startswith(b"# ") for line in render(tmp_path).splitlines())


def test_a_gauge_starts_at_zero_with_its_worker(tmp_path, monkeypatch):
    gauge = under_test.Metric("outgate_open", under_test.Type.GAUGE, (), "open exchanges")
    monkeypatch.setitem(under_test.BY_NAME, gauge.name, gauge)
    monkeypatch.setattr(under_test, "METRICS", (*METRICS, gauge))
    first = Metrics(tmp_path)
    first.add("outgate_open", (), 5)
    before = samples(tmp_path)["outgate_open", ()]
    first.close()
    Metrics(tmp_path).add("outgate_open", ())

    assert (5.0, 1.0) == (before, samples(tmp_path)["outgate_open", ()])


def three_gauges_and_a_count(folder):
    metrics = Metrics(folder)
    metrics.add("outgate_policy_info", ("revision-1",))
    metrics.set("outgate_policy_refused", 1.0)
    metrics.set("outgate_connections", 7.0)
    metrics.add("outgate_answers_total", ("upstream",), 3)
    return metrics


def left(folder):
    return {series: value for series, value in samples(folder).items() if value}


def test_a_gateway_with_fewer_workers_shows_no_gauges_of_those_it_had(tmp_path):
    for metrics in [three_gauges_and_a_count(tmp_path) for _ in range(4)]:
        metrics.close()
    for _ in range(2):
        three_gauges_and_a_count(tmp_path)

    assert {
        ("outgate_policy_info", ("revision-1",)): 2.0,
        ("outgate_policy_refused", ()): 2.0,
        ("outgate_connections", ()): 14.0,
        ("outgate_answers_total", ("upstream",)): 18.0,
    } == left(tmp_path)


def test_closing_zeroes_the_gauges_in_the_file(tmp_path):
    three_gauges_and_a_count(tmp_path).close()
    (path,) = tmp_path.iterdir()

    assert [3.0] == [cell for _, cells in read_series(path, LAYOUT) for cell in cells if cell]


@pytest.mark.filterwarnings("ignore:.*fork")  # the child touches nothing that a thread may hold
def test_a_killed_worker_leaves_counts_and_no_gauges(tmp_path):
    child = os.fork()
    if child == 0:
        three_gauges_and_a_count(tmp_path)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)

    assert {("outgate_answers_total", ("upstream",)): 3.0} == left(tmp_path)


def test_another_metric_in_the_table_zeroes_none_of_the_others(tmp_path, monkeypatch):
    metrics = Metrics(tmp_path)
    metrics.add("outgate_answers_total", ("upstream",), 7)
    metrics.add("outgate_verdicts_total", ("stage", "code"), 3)
    metrics.close()
    new = under_test.Metric("outgate_new_total", under_test.Type.COUNTER, (), "new")
    other = under_test.BY_NAME["outgate_verdicts_total"]._replace(labels=("code",))
    monkeypatch.setitem(under_test.BY_NAME, new.name, new)
    monkeypatch.setitem(under_test.BY_NAME, other.name, other)
    table = [other if metric.name == other.name else metric for metric in METRICS]
    monkeypatch.setattr(under_test, "METRICS", (*table, new))
    released = Metrics(tmp_path)
    released.add("outgate_new_total")
    released.add("outgate_answers_total", ("upstream",))
    released.add("outgate_verdicts_total", ("code",))

    assert {
        ("outgate_answers_total", ("upstream",)): 8.0,
        ("outgate_verdicts_total", ("code",)): 1.0,  # its labels are others: it begins anew
        ("outgate_new_total", ()): 1.0,
    } == {series: value for series, value in samples(tmp_path).items() if value}


def test_a_gauge_without_labels_is_there_from_the_start(tmp_path):
    Metrics(tmp_path)

    assert 0.0 == samples(tmp_path)["outgate_policy_refused", ()]


@pytest.mark.parametrize("change", [{"labels": ("x",)}, {"buckets": (1.0,)}, {"type": under_test.Type.GAUGE}])
def test_a_metric_of_another_shape_is_another_series(change):
    metric = under_test.BY_NAME["outgate_answers_total"]

    assert metric.kept_as != metric._replace(**change).kept_as
    assert metric.kept_as == metric._replace(doc="in other words").kept_as
