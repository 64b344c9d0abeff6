from outgate.inference.cached import CacheStatus


def test_the_field_of_a_hit_says_tier_time_left_and_how_near_it_is():
    assert "outgate; hit; ttl=3588; detail=exact" == CacheStatus("exact", "hit", age=11.2).field(3600.0)
    status = CacheStatus("similar", "hit", age=1.0, similarity=0.95678, score=1.0)
    assert "outgate; hit; ttl=9; detail=similar; similarity=0.957; score=1.000" == status.field(10.0)
