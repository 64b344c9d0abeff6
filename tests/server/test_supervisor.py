"""The supervisor only holds sockets and processes: what workers need to serve does not weigh on it."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import json, pathlib, sys
import outgate.cli.run, outgate.server.supervisor
from outgate.policy.source import read_source
from outgate.policy.validate import validate
validate(read_source(pathlib.Path(sys.argv[1])))
print(json.dumps(sorted(sys.modules)))
"""


def test_the_supervisor_loads_no_mitmproxy():
    """The same imports and calls as `outgate run` up to its first worker."""
    policy = ROOT / "policies" / "default.yaml"
    done = subprocess.run([sys.executable, "-c", RUN, str(policy)], capture_output=True, text=True, timeout=60, check=True)
    loaded = json.loads(done.stdout)

    assert "outgate.server.supervisor" in loaded
    assert [] == [name for name in loaded if name.partition(".")[0] in ("mitmproxy", "h2", "h11", "numpy", "onnxruntime")]
