import re

from outgate.metering.table import METRICS, Type


def test_names_are_prometheus_names_and_unique():
    names = [metric.name for metric in METRICS]

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"(gen_ai|outgate)_[a-z_]+", name) for name in names)


def test_counters_end_in_total_and_nothing_else_does():
    assert [] == [metric.name for metric in METRICS if metric.name.endswith("_total") != (metric.type is Type.COUNTER)]


def test_only_histograms_have_buckets_and_they_ascend():
    assert [] == [metric.name for metric in METRICS if bool(metric.buckets) != (metric.type is Type.HISTOGRAM)]
    assert all(list(metric.buckets) == sorted(set(metric.buckets)) for metric in METRICS)


def test_no_label_may_carry_what_a_caller_wrote():
    forbidden = {"model_requested", "path", "destination", "user", "prompt", "conversation", "exchange_id"}

    assert [] == [metric.name for metric in METRICS if forbidden & set(metric.labels)]


def test_every_metric_is_explained():
    assert all(metric.doc and "\n" not in metric.doc for metric in METRICS)
