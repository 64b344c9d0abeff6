"""A confined process computes, and can do nothing else."""

import subprocess
import sys

import pytest

ATTEMPT = """
import os, socket, sys
from outgate.documents.confine import bound, seal
bound(512 << 20, 1)
seal()
try:
    exec({attempt!r})
except OSError as error:
    os.write(1, b"refused %d" % error.errno)
else:
    os.write(1, b"done")
os._exit(0)
"""


def attempted(attempt: str) -> str:
    done = subprocess.run([sys.executable, "-c", ATTEMPT.format(attempt=attempt)], stdout=subprocess.PIPE, check=False, timeout=30)
    return done.stdout.decode()


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd')",
        "open('/tmp/outgate-escaped', 'w')",
        "socket.socket()",
        "socket.socketpair()",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 9)",
        "os.listdir('/')",
        "os.setuid(1)",
    ],
)
def test_what_leads_outside_is_refused(attempt):
    assert "refused 1" == attempted(attempt)


def test_it_computes():
    assert "done" == attempted("sum(range(100)); bytearray(1 << 20)")


def test_memory_is_bounded():
    assert attempted("bytearray(1 << 30)") == ""


def test_time_is_bounded():
    assert attempted("while True: pass") == ""
