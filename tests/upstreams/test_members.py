"""Lists of replicas: fixed ones, addresses of a name, a file; one that cannot be read leaves the last in force."""

from ipaddress import ip_address

import orjson
import pytest

from outgate.errors import FailureKind, UpstreamError
from outgate.upstreams.dns import CachingResolver
from outgate.upstreams.members import Members, read_list
from outgate.upstreams.replica_settings import ReplicaSettings
from support.replicas import Clock, backend
from upstreams.tls_server import aio


def _write(path, *entries):
    path.write_bytes(orjson.dumps({"endpoints": list(entries)}))


def _names(members, of):
    return [each.address for each in members.of(of)]


@aio
async def test_every_address_of_a_name_is_a_replica_and_a_failed_look_up_leaves_them():
    clock, answers = Clock(), [("10.0.0.2", "10.0.0.1", "fd00::1"), ("10.0.0.2",), None]

    async def lookup(_):
        found = answers.pop(0)
        if found is None:
            raise UpstreamError(FailureKind.DNS, "no such name")
        return tuple(map(ip_address, found))

    members = Members(CachingResolver(clock, lookup=lookup))
    of = backend("own", replicas=ReplicaSettings(dns="llm.test:8000", fixed=False))
    assert [] == _names(members, of)
    await members.refresh(of)
    assert ["10.0.0.1:8000", "10.0.0.2:8000", "fd00::1:8000"] == _names(members, of)
    for _ in range(2):
        clock.now += 60
        await members.refresh(of)
        assert ["10.0.0.2:8000"] == _names(members, of)


@aio
async def test_a_file_is_read_again_and_what_drains_is_no_longer_picked(tmp_path):
    file, of = tmp_path / "list.json", None
    of = backend("own", replicas=ReplicaSettings(file=str(file)))
    members = Members(CachingResolver(Clock()))
    _write(file, {"address": "10.0.0.1:8000", "name": "a"}, {"address": "[fd00::1]:8000"})
    await members.refresh(of)
    assert ["own.test:443", "10.0.0.1:8000", "fd00::1:8000"] == _names(members, of)
    _write(file, {"address": "10.0.0.1:8000", "draining": True})
    await members.refresh(of)
    assert ["own.test:443"] == _names(members, of)


@aio
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"endpoints": {}}',
        b'{"endpoints": [1]}',
        b'{"endpoints": [{}]}',
        b'{"endpoints": [{"address": "http://x:1"}]}',
        b'{"endpoints": [{"address": "x:0"}]}',
        b'{"endpoints": [{"address": "x:99999"}]}',
        b'{"endpoints": [{"address": "x:1", "sni": "evil.test"}]}',
        b'{"endpoints": [{"address": "x:1", "draining": "no"}]}',
        b'{"endpoints": [{"address": "x:1", "name": "n"}, {"address": "y:1", "name": "n"}]}',
        b'{"endpoints": [{"address": "' + b"x" * 2**20 + b':1"}]}',
    ],
)
async def test_a_malformed_file_leaves_the_last_list(tmp_path, content):
    file = tmp_path / "list.json"
    of = backend("own", replicas=ReplicaSettings(file=str(file), fixed=False))
    members = Members(CachingResolver(Clock()))
    _write(file, {"address": "10.0.0.1:8000"})
    await members.refresh(of)
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_list(file)
    await members.refresh(of)
    file.unlink()
    await members.refresh(of)

    assert ["10.0.0.1:8000"] == _names(members, of)


@aio
async def test_lists_of_backends_that_are_gone_are_forgotten(tmp_path):
    file = tmp_path / "list.json"
    of = backend("own", replicas=ReplicaSettings(file=str(file), fixed=False))
    members = Members(CachingResolver(Clock()))
    _write(file, {"address": "10.0.0.1:8000"})
    await members.refresh(of)
    members.keep(())

    assert [] == _names(members, of)
