"""Settings of replicas that contradict themselves are refused."""

import pytest
from pydantic import ValidationError

from outgate.policy.replica_settings import ReplicasSection


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"shed": {}}, "sees no crowd"),
        ({"metrics_path": "/metrics", "metrics_every": 2.5, "shed": {}}, "too late: set `metrics_every` to 2 or less"),
        ({"metrics_path": "/metrics", "shed": {"low": 1.1}}, "low priority go first"),
        ({"metrics_path": "/metrics", "shed": {"cache": 1.1}}, "less than or equal to 1"),
        ({"metrics_path": "/metrics", "shed": {"full": 1}}, "Extra inputs"),
    ],
)
def test_a_crowd_that_cannot_be_is_refused(written, says):
    with pytest.raises(ValidationError, match=says):
        ReplicasSection.model_validate(written)


def test_metrics_or_requests_in_flight_show_a_crowd():
    told = ReplicasSection.model_validate({"metrics_path": "/metrics", "shed": {}})

    assert told.shed is not None
    assert (0.7, 1.0) == (told.shed.low, told.shed.normal)
    assert ReplicasSection.model_validate({"shed": {"in_flight": 4}}).shed is not None
    seldom = {"metrics_path": "/metrics", "metrics_every": 60}
    assert all(ReplicasSection.model_validate({**seldom, "shed": shed}) for shed in ({"in_flight": 4}, None))
