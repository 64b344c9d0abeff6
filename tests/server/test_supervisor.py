"""The supervisor only holds sockets and processes: what workers need to serve does not weigh on it."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import json, pathlib, sys
import outgate.cli.main, outgate.server.supervisor
from outgate.cli.run import listeners
assert listeners(pathlib.Path(sys.argv[1])).listen
print(json.dumps(sorted(sys.modules)))
"""


def test_the_supervisor_loads_neither_mitmproxy_nor_what_reads_policies():
    """The same imports and calls as `outgate run` up to its first worker."""
    policy = ROOT / "policies" / "default.yaml"
    done = subprocess.run([sys.executable, "-c", RUN, str(policy)], capture_output=True, text=True, timeout=60, check=True)
    loaded = json.loads(done.stdout)

    assert "outgate.server.supervisor" in loaded
    assert [] == [
        name for name in loaded if name.partition(".")[0] in ("mitmproxy", "h2", "h11", "numpy", "onnxruntime", "pydantic")
    ]
    assert [] == [name for name in loaded if name.startswith(("outgate.policy", "outgate.stages"))]
