"""Load the model `secrets` of the model server. The rules are compiled once, which takes ten seconds, and kept."""

import os
from pathlib import Path

from outgate.detectors.secrets.scanner import SecretScanner, packaged_rules
from outgate.model_server.engines import graphs

_NAME = "secret-rules"


def load(state: Path) -> SecretScanner:
    """With the rules that set-up compiled; where another user did, and they are not to be trusted, with some kept in `state`."""
    shared = graphs.folder() / _NAME
    owner = shared.stat().st_uid if shared.exists() else -1
    return SecretScanner(packaged_rules(shared if owner == os.getuid() else state / _NAME))
