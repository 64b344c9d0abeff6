from outgate.net.headers import Headers
from outgate.stages.cache.control import CacheControlStage, Reads


def test_every_field_of_the_name_counts():
    given = Reads(Headers([("Cache-Control", "max-age=5"), ("cache-control", "no-store"), ("pragma", "x")]))
    (wishes,) = CacheControlStage().run(given)

    assert (5.0, True) == (wishes.max_age, wishes.no_store)
