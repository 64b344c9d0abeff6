"""`outgate completion`: what it prints is taken by the shell, and completes commands and options."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from outgate.cli.main import cli

_BIN = Path(sys.executable).parent


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_asks_outgate(shell):
    told = CliRunner().invoke(cli, ["completion", shell])

    assert (0, True) == (told.exit_code, "_OUTGATE_COMPLETE" in told.output)


def test_another_shell_is_refused_with_the_names_of_those():
    assert "'bash', 'zsh', 'fish'" in CliRunner().invoke(cli, ["completion", "tcsh"]).output


@pytest.mark.parametrize(("words", "completed"), [("outgate sta", "status"), ("outgate denied --fai", "--failed")])
def test_bash_completes_commands_and_options(words, completed):
    script = CliRunner().invoke(cli, ["completion", "bash"]).output
    number = len(words.split()) - 1
    asked = f'COMP_WORDS=({words}); COMP_CWORD={number}; _outgate_completion outgate; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{asked}"], env={"PATH": f"{_BIN}:/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )

    assert [completed] == done.stdout.split(), done.stderr
