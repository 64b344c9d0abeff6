"""Engines and what they bring are loaded in the model server alone: a worker with every stage has none of them."""

import json
import subprocess
import sys

ENGINES = {"faiss", "numpy", "onnx", "onnxruntime", "safetensors", "sentence_transformers", "tokenizers", "torch", "transformers"}
WORKER = """
import json, sys
import outgate.server.worker, outgate.server.runtime
from outgate.policy.stage_types import stage_names, stage_type
kinds = [stage_type(name) for name in stage_names()]
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_a_worker_with_every_stage_loads_no_engine():
    done = subprocess.run([sys.executable, "-c", WORKER], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))

    assert "outgate" in loaded
    assert not loaded & ENGINES
