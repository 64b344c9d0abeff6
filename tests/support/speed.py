"""Speed of this machine at this moment, beside that of the machine on which bounds of time were measured.

A bound of milliseconds fails on slower processors, and on shared ones, though nothing became dearer. Bounds are for a machine that
counts to a million in 40 ms of CPU (CPython 3.13); on a slower one they are as much longer.
"""

import time

_MILLION = 0.040


def slowness() -> float:
    """How many times slower this machine is, 1 at least."""
    return max(1.0, min(_counted() for _ in range(3)) / _MILLION)


def _counted() -> float:
    """CPU seconds that it takes to count to a million."""
    began = time.process_time()
    count = 0
    for step in range(1_000_000):
        count += step & 1
    return time.process_time() - began
