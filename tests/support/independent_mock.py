"""The independent mock of providers, `@copilotkit/aimock` of npm, as a process: what it speaks was written by others than us.

`scripts/test` installs it where npm is, as `requirements/aimock` pins it, into `.cache/aimock`. It speaks HTTP without TLS.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_ROOT = Path(__file__).parent.parent.parent
_PROGRAM = _ROOT / ".cache" / "aimock" / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
_LISTENS = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
_PIECE = 7
"""Characters of a piece of a stream: words and arguments are cut anywhere."""


def missing() -> str:
    """Why it cannot run here; empty where it can."""
    if shutil.which("node") is None:
        return "node is not installed"
    return "" if _PROGRAM.exists() else "scripts/test without arguments installs @copilotkit/aimock, where npm is"


class IndependentMock:
    """Answers by what the last user's message holds: `script` says which words are answered how, in the mock's own notation."""

    port = 0

    def __init__(self, folder: Path, script: Mapping[str, Mapping[str, Any]]) -> None:
        self._fixtures = folder / "answers.json"
        answers: Sequence[Any] = [{"match": {"userMessage": words}, "response": how} for words, how in script.items()]
        self._fixtures.write_text(json.dumps({"fixtures": answers}))

    def __enter__(self) -> Self:
        command = ["node", str(_PROGRAM), "-p", "0", "-f", str(self._fixtures), "-c", str(_PIECE), "--strict"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
        assert self._process.stdout is not None
        found = next((found for line in self._process.stdout if (found := _LISTENS.search(line))), None)
        assert found is not None, "the mock did not start"
        self.port = int(found[1])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
