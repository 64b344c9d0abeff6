"""An upload of 200 MB that is sent on as it comes: how far the memory of the worker grows, and how long it takes."""

import time
from pathlib import Path

import trustme

from e2e.world import World, http
from support.scripted_upstream import ScriptedUpstream
from support.upload_host import UploadHost

SIZE = 200 * 1024 * 1024
PIECE = bytes(65_536)
MOST_MB = 16
"""What waits is 256 KB, and the buffers of two connections."""
HOST = """
objects:
  host: objects.test
  dialect: none
  stream_uploads: true
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
"""
STAGES = "authenticate: {}\nauthorize: {allow: [{}]}\nadmit_parts: {allow_unjudged: [opaque]}\n"


def peak(pid: int) -> int:
    told = Path(f"/proc/{pid}/status").read_text()
    return int(told.partition("VmHWM:")[2].split()[0])


def test_200_mb_pass_through_a_worker_that_holds_none_of_it(tmp_path):
    ca = trustme.CA()
    with ScriptedUpstream("api.openai.com", ca=ca) as other, UploadHost(ca, "objects.test") as host:
        world = World(tmp_path, other, other)
        policy = world.policy(STAGES, providers=HOST.format(port=host.port, ca=tmp_path / "upstream-ca.pem"))
        with world.gateway(policy) as gateway, http(gateway) as client:
            [worker] = gateway.worker_pids()
            client.put("https://objects.test/small", content=PIECE, timeout=60)
            before, began = peak(worker), time.monotonic()
            pieces = (PIECE for _ in range(SIZE // len(PIECE)))
            reply = client.put("https://objects.test/large", content=pieces, headers={"content-length": str(SIZE)}, timeout=300)
            grown, seconds = (peak(worker) - before) / 1024, time.monotonic() - began
    print(f"\n200 MB in {seconds:.1f} s, {grown:.1f} MB more of {before / 1024:.0f} MB")
    assert (201, SIZE) == (reply.status_code, host.came[-1][3])
    assert grown < MOST_MB
