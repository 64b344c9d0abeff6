import asyncio
import subprocess
import sys

import pytest

from outgate.server.memory import trim_after_start

KEPT = """
import ctypes, sys
from outgate.server.memory import return_large_blocks
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
if sys.argv[1] == "fixed":
    return_large_blocks()
bytearray(30_000_000)  # one long request
before = resident()
bodies = [bytearray(b"x") * 1_000_000 for _ in range(50)]
last = bytearray(b"x") * 1_000_000
del bodies
print(resident() - before)
"""


def test_memory_is_given_back_after_each_pause():
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    asyncio.run(trim_after_start(sleep, (1.0, 2.0)))

    assert pauses == [1.0, 2.0]


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_after_one_long_request_the_bodies_of_others_go_back_to_the_system():
    def kept(how):
        return int(subprocess.run([sys.executable, "-c", KEPT, how], capture_output=True, text=True, check=True).stdout)

    assert kept("fixed") < 10_000_000 < kept("as it is")
