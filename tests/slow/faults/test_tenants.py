"""promises.md K2: 100,000 look-ups over 50 tenants with identical and near prompts."""

from support.cached import tenants_crossed


def test_100_000_look_ups_never_cross(tmp_path):
    crossed, hits = tenants_crossed(tmp_path / "answers.sqlite", tenants=50, prompts=40, look_ups=100_000)

    assert 0 == crossed
    assert hits > 90_000
