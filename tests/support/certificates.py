"""A CA for the gateway, as `outgate ca init` makes it."""

import subprocess
import sys
from pathlib import Path


def make_ca(folder: Path) -> Path:
    outgate = Path(sys.executable).with_name("outgate")
    subprocess.run([str(outgate), "ca", "init", "--certs", str(folder)], check=True, capture_output=True)
    return folder
