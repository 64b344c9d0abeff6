"""`outgate init`: write a policy to begin with, and say what to do next."""

from pathlib import Path

import click

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

# Who may call: `outgate workload add NAME --policy {file}` writes here.
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
{file} is written. Next:
  outgate ca init                                  # once: the authority that workloads trust
  outgate workload add {name} --policy {file}   # prints the token, and what to set
  OPENAI_API_KEY=… ANTHROPIC_API_KEY=… outgate run --policy {file}"""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("policy.yaml"))
@click.option("--listen", default="127.0.0.1:8080", show_default=True, help="host:port where workloads reach the gateway.")
@click.option("--workload", "name", default="my-service", show_default=True, help="The name in what is said to do next.")
@click.option("--force", is_flag=True, help="Replace the file.")
def command(*, file: Path, listen: str, name: str, force: bool) -> None:
    """Write a policy FILE to begin with (policy.yaml), and say the next three commands. Exit code 1 where it is there already."""
    try:
        with file.open("w" if force else "x", encoding="utf-8") as written:
            written.write(_POLICY.format(file=file, listen=listen))
    except FileExistsError as error:
        raise click.ClickException(f"{file} is already there; --force replaces it") from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    click.echo(_NEXT.format(file=file, name=name))
