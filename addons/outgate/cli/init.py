"""`outgate init`: write a policy to begin with, and say what to do next."""

import shlex
from pathlib import Path

import click

from outgate.cli.options import POLICIES, default_policy

_POLICY = """\
# yaml-language-server: $schema=schema.json
# `outgate check {file}` checks it, `outgate check --schema > schema.json` lets an editor do so too.
version: 1

gateway:
  listen: {listen}

# Who may be called: take out whom you do not use. Nothing else is ever dialled.
providers:
  openai:
    host: api.openai.com
    dialect: openai
    credential: {{env: OPENAI_API_KEY}}
  anthropic:
    host: api.anthropic.com
    dialect: anthropic
    credential: {{env: ANTHROPIC_API_KEY}}

# Who may call: `outgate workload add NAME` writes here.
workloads: {{}}

# What every request passes; the order follows from what each stage reads and writes.
stages:
  authenticate: {{}}
  authorize:
    allow:
      - {{providers: [openai, anthropic]}}
  prompt_guard: {{}}
  redact: {{}}
  model_map: {{passthrough: true}}
  authorize_model:
    allow:
      - {{models: ["gpt-*"], providers: [openai]}}
      - {{models: ["claude-*"], providers: [anthropic]}}
  count_tokens: {{}}
  token_budget:
    limits:
      - {{name: everybody, tokens: 2000000, window: day}}

# Which requests pass: the first that matches.
routes:
  - name: chat
    match:
      paths: [/v1/chat/completions, /v1/responses, /v1/messages, /v1/messages/count_tokens]
      methods: [POST]
"""
_NEXT = """\
{file} is written. {found}
  outgate ca init                   # once: the authority that workloads trust
  outgate workload add {name}   # prints the token, and what to set
  OPENAI_API_KEY=… ANTHROPIC_API_KEY=… outgate run"""
_FOUND = "Commands find it in this folder by themselves. Next:"
_NAMED = """\
Commands take {other} unless they are told otherwise. Next:
  export OUTGATE_POLICY={path}"""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=POLICIES[1])
@click.option("--listen", default="127.0.0.1:8080", show_default=True, help="host:port where workloads reach the gateway.")
@click.option("--workload", "name", default="my-service", show_default=True, help="The name in what is said to do next.")
@click.option("--force", is_flag=True, help="Replace the file.")
def command(*, file: Path, listen: str, name: str, force: bool) -> None:
    """Write a policy FILE to begin with (policy.yaml), and say what to do next. Exit code 1 where it is there already.

    Commands find a policy.yaml in the folder where they run, unless policies/default.yaml is there too; OUTGATE_POLICY or --policy
    names any other file.
    """
    try:
        with file.open("w" if force else "x", encoding="utf-8") as written:
            written.write(_POLICY.format(file=file, listen=listen))
    except FileExistsError as error:
        raise click.ClickException(f"{file} is already there; --force replaces it") from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    click.echo(_NEXT.format(file=file, name=name, found=_found(file)))


def _found(file: Path) -> str:
    """How the next commands find it."""
    known = default_policy()
    return _FOUND if known == file else _NAMED.format(other=known, path=shlex.quote(str(file.absolute())))
