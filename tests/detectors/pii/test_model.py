"""The analyzer in a process of its own, with no language runtime in it."""

import json
import subprocess
import sys

CODE = """
import json, sys
from outgate.detectors.pii.model import RUNTIMES, load
found = load().detect("mail jane@example.org, call +49 30 901820, card 4111 1111 1111 1111")
there = sorted({name.partition(".")[0] for name in sys.modules} & RUNTIMES)
import numpy
print(json.dumps([[one.entity for one in found], there, int(numpy.array([1, 2]).sum())]))
"""


def test_presidio_works_without_the_runtimes_of_models_and_these_can_be_imported_later() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=True)
    assert [["EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD"], [], 3] == json.loads(done.stdout)
