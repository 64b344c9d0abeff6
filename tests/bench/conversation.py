"""Conversations of coding agents for the bench, out of text that lies on every machine: code, prose, JSON tool results, tools.

Every text carries a counter of letters, which nothing redacts and no cache has seen; so each conversation is new, and each turn
repeats the one before byte for byte.
"""

import ast
import inspect
import itertools
import json
import random
import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

STANDARD = Path(sysconfig.get_paths()["stdlib"])
TOOLS, FIRST, LAST, NEW = 40_000, 150_000, 925_000, 37_000
"""Bytes of the tools, of the first turn, of the last, and what a turn adds."""
_MODULES = (
    "shutil",
    "subprocess",
    "socket",
    "asyncio",
    "zipfile",
    "difflib",
    "statistics",
    "textwrap",
    "logging",
    "argparse",
    "csv",
)


def letters(number: int) -> str:
    """A number as ten letters."""
    return "".join(chr(97 + number // 26**place % 26) for place in range(9, -1, -1))


@cache
def code() -> list[str]:
    """Excerpts of the standard library, as an agent reads files: 8 to 12 KB each."""
    paths = sorted(path for path in STANDARD.glob("*.py") if path.stat().st_size > 8_000)
    random.Random(1).shuffle(paths)
    texts = [path.read_text(errors="replace") for path in paths]
    return [f"# {path.name}\n{text[at : at + 10_000]}" for path, text in zip(paths, texts, strict=True) for at in (0, 10_000)]


@cache
def prose() -> str:
    """The reference of the language, as `pydoc` shows it."""
    tree = ast.parse((STANDARD / "pydoc_data/topics.py").read_text())
    return "\n".join(node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


@cache
def listings() -> list[str]:
    """JSON as tools answer: files with sizes and times, lines that a search found."""
    found = []
    for folder in sorted(path for path in STANDARD.iterdir() if path.is_dir() and any(path.glob("*.py")))[:40]:
        files = sorted(folder.glob("*.py"))[:30]
        stats = [{"path": f"src/{one.name}", "bytes": one.stat().st_size, "mtime": int(one.stat().st_mtime)} for one in files]
        lines = [
            {"file": one.name, "line": number, "text": line.strip()}
            for one in files[:6]
            for number, line in enumerate(one.read_text(errors="replace").splitlines()[:200], 1)
            if "def " in line
        ]
        found.append(json.dumps({"cwd": "project", "exit_code": 0, "files": stats, "matches": lines})[:8_000])
    return found


@cache
def tools() -> list[dict[str, Any]]:
    """40 KB of tools: functions of the standard library with their documentation."""
    made: list[dict[str, Any]] = []
    size = 0
    for name, function in itertools.chain.from_iterable(inspect.getmembers(import_module(each)) for each in _MODULES):
        if size >= TOOLS:
            break
        if not inspect.isfunction(function) or not function.__doc__ or any(tool["function"]["name"] == name for tool in made):
            continue
        fields = {each: {"type": "string", "description": f"{each} of {name}"} for each in inspect.signature(function).parameters}
        described = {"name": name, "description": function.__doc__, "parameters": {"type": "object", "properties": fields}}
        made.append({"type": "function", "function": described})
        size += len(json.dumps(made[-1]))
    return made


class Conversation:
    """The turns of one agent. `number` makes every text of it new."""

    def __init__(self, number: int) -> None:
        self.words = (letters(number * 1_000 + index) for index in itertools.count())
        self.chance = random.Random(number)
        topics = self.text(12_000)
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": f"You are a coding agent.\n{topics}"}]

    def turns(self) -> Iterator[bytes]:
        """The bodies of the turns, from FIRST to LAST bytes."""
        self.grow(FIRST - TOOLS)
        yield (body := self.body())
        while len(body) + NEW <= LAST:
            self.grow(NEW)
            yield (body := self.body())

    def two(self, size: int, new: int) -> tuple[bytes, bytes]:
        """A turn of `size` bytes, and the next with `new` more."""
        self.grow(size - TOOLS)
        first = self.body()
        self.messages += ({"role": "assistant", "content": self.text(300)}, {"role": "user", "content": self.text(new)})
        return first, self.body()

    def body(self) -> bytes:
        value = {"model": "gpt-4o-mini", "messages": self.messages, "tools": tools(), "max_tokens": 4096, "temperature": 0}
        return json.dumps(
            value | {"stream": True, "stream_options": {"include_usage": True}, "user": "@pace=5 @events=50"}
        ).encode()

    def grow(self, size: int) -> None:
        """A user's words, then calls of tools with their results, until `size` bytes have come together."""
        end = len(json.dumps(self.messages)) + size
        self.messages.append({"role": "user", "content": self.text(900)})
        while len(json.dumps(self.messages)) < end - 4_000:
            self.step()

    def step(self) -> None:
        call = f"call_{next(self.words)}"
        arguments = json.dumps({"path": f"src/{next(self.words)}.py", "pattern": self.text(60)})
        function = {"name": self.chance.choice(tools())["function"]["name"], "arguments": arguments}
        said = {
            "role": "assistant",
            "content": self.text(500),
            "tool_calls": [{"id": call, "type": "function", "function": function}],
        }
        result = self.chance.choice(code() if self.chance.random() < 0.7 else listings())
        self.messages += (said, {"role": "tool", "tool_call_id": call, "content": f"{next(self.words)}\n{result}"})

    def text(self, size: int) -> str:
        start = self.chance.randrange(len(prose()) - size)
        return f"{next(self.words)} {prose()[start : start + size]}"


def new_text(number: int, size: int = 64 * 1024) -> bytes:
    """A request with `size` bytes of prose that is new in every line."""
    chance, words, lines, length = random.Random(number), (letters(number * 10_000 + at) for at in itertools.count()), [], 0
    start = chance.randrange(len(prose()) - 2 * size)
    for line in prose()[start:].splitlines():
        lines.append(f"{line} {next(words)}")
        length += len(lines[-1])
        if length > size:
            break
    value = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "\n".join(lines)}],
        "max_tokens": 4096,
        "temperature": 0,
    }
    return json.dumps(value).encode()
