"""Ejections of one worker are known to the others until they end."""

import pytest

from outgate.stores.ejections import Ejections
from outgate.upstreams.health import Ejection
from support.judging import aio
from support.replicas import Clock


@aio
async def test_what_one_worker_tells_the_other_gets_until_it_ends(tmp_path):
    clock, path = Clock(), tmp_path / "ejections.sqlite"
    first, second = Ejections(path, clock), Ejections(path, clock)
    news = {("b", "x:1"): Ejection(clock.now + 10, 2)}

    assert {} == await second.share({})
    assert not path.exists()
    await first.share(news)
    assert news == await second.share({})
    assert 0o600 == path.stat().st_mode & 0o777
    clock.now += 10
    assert {} == await second.share({})


@aio
async def test_a_file_that_is_no_database_is_an_os_error(tmp_path):
    (tmp_path / "e").write_bytes(b"no database" * 100)

    with pytest.raises(OSError, match="e: "):
        await Ejections(tmp_path / "e", Clock()).share({})
