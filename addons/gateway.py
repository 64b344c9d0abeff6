"""mitmdump -s addons/gateway.py, mitmweb -s addons/gateway.py: the gateway under stock mitmproxy."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from outgate.server.script import Script

addons = [Script()]
