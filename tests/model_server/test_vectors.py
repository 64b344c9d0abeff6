from outgate.inference.principal import Principal
from outgate.model_server.vectors import Vectors
from outgate.stores.memo import Memo
from support.routed import FakeModels, aio, vector


@aio
async def test_a_text_is_embedded_once_per_tenant():
    models = FakeModels()
    vectors = Vectors(models, Memo(bytes(32)))

    found = [
        await vectors.of("hello", Principal(name=name, tenant=tenant)) for name, tenant in [("a", "t"), ("b", "t"), ("a", "u")]
    ]

    assert [vector("hello")] * 3 == found
    assert 2 == models.asked["embed"]
