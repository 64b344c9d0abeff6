"""Keep secrets of the request out of tool calls that may send them away: such a call is taken out, and a sentence says why.

The model sees placeholders, and may be talked into writing one into any call; `restore` would make it the secret again. So a call
that holds one passes where its tool writes files, or runs commands that name no other hosts than the caller did. Where the request
held no secret nothing is judged, and no call is held.
"""

from typing import ClassVar, NamedTuple

from outgate.detectors.output.settings import ORDER
from outgate.detectors.pii.placeholders import Placeholders
from outgate.detectors.secrets.calls import Tools, holds, may_bring
from outgate.inference.calls import Call
from outgate.inference.judge import CallJudge
from outgate.inference.operation import Operation
from outgate.inference.prompt import Channel
from outgate.inference.stream import EventStream
from outgate.inference.verdict import Action, Extent, Match, Verdict
from outgate.pipeline.contract import Contract, Holds, Judges, May
from outgate.pipeline.stage import Settings, StreamStage

_RULE = "secret_in_call"
_WORDS = (
    "[The gateway took out a call of a tool, because it holds a secret of the request, and this tool may send it anywhere."
    " Write it into a file with a tool that edits files, or read it from there; asking again gives the same.]"
)
_EDITS = (
    "Write", "Edit", "MultiEdit", "NotebookEdit", "write", "edit", "multiedit", "patch", "apply_patch", "apply_diff", "write_file",
    "edit_file", "replace", "str_replace_editor", "str_replace_based_edit_tool", "str_replace_based_edit", "create_file",
    "replace_string_in_file", "multi_replace_string_in_file", "insert_edit_into_file", "edit_notebook_file", "write_to_file",
    "replace_in_file", "search_replace", "search_and_replace", "insert_content", "create_new_file", "edit_existing_file",
    "single_find_and_replace",
)  # fmt: skip
_RUNS = (
    "Bash", "bash", "shell", "shell_command", "local_shell", "exec_command", "execute_command", "run_command", "run_shell_command",
    "run_in_terminal", "run_terminal_cmd", "run_terminal_command",
)  # fmt: skip


class SecretCallsSettings(Settings):
    """Tools that may be called with a secret. Names are patterns: `*` stands for anything but a slash."""

    edits: tuple[str, ...] = _EDITS
    """Tools that write files where the caller is: they get any secret of the request back."""
    runs: tuple[str, ...] = _RUNS
    """Tools that run commands: they get one back where every host that the call names stands in words of the user, the system
    prompt or a tool's definition. What a tool returned names none.
    """
    longest: int = 1024 * 1024
    """Characters of arguments, and bytes of other events behind them, that are held; a stream with more is denied."""


class Reads(NamedTuple):
    """In which dialect the answer is, and what `secret_guard` took out of the request."""

    operation: Operation
    r_stream: EventStream
    secrets: Placeholders | None = None


class SecretCalls(StreamStage):
    """The companion of `secret_guard`."""

    name = "secret_calls"
    settings_type: ClassVar[type[Settings]] = SecretCallsSettings

    def __init__(self, settings: SecretCallsSettings) -> None:
        self._tools, self._longest = Tools(settings.edits, settings.runs), settings.longest
        self.contract = Contract.of(
            Reads,
            writes=("r.stream", "verdict.out.secret_calls"),
            may=May.MUTATE,
            judges=Judges.CLEAN,
            preserves=("verdict.out.*",),
            after=ORDER,
            optional=("secrets",),
            holds=Holds("tool calls until they are whole, where the request held a secret", settings.longest),
            cost=0.05,
        )

    def open(self, facts: Reads, /) -> "SecretCallJudge | None":
        return SecretCallJudge(self._tools, facts.secrets, facts.operation, self._longest) if facts.secrets else None


class SecretCallJudge(CallJudge):
    """Judges the calls of one answer."""

    def __init__(self, tools: Tools, secrets: Placeholders, operation: Operation, longest: int) -> None:
        self._tools, self._secrets = tools, secrets
        self.operation, self.most = operation, longest
        self._calls = self._characters = self._withheld = 0

    def call(self, call: Call, /) -> str | None:
        self._calls += 1
        self._characters += len(call.arguments)
        if not holds(call, self._secrets) or may_bring(call, self._secrets, self._tools):
            return None
        self._withheld += 1
        return _WORDS

    def verdict(self) -> Verdict:
        channel, withheld = Channel.TOOL_ARGUMENTS.value, Action.WITHHELD
        return Verdict(
            action=withheld if self._withheld else Action.ALLOWED,
            matches=(Match(_RULE, "tool_call", self._withheld, channel, withheld.value),) if self._withheld else (),
            scanned=(Extent("tool_call", self._calls, self._characters),) if self._calls else (),
        )
