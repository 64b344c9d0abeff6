"""Small policies for tests, written to a folder."""

from pathlib import Path

BASE = """\
version: 1
providers:
  openai: {host: api.openai.com, dialect: openai, credential: {env: OPENAI_API_KEY}}
  anthropic: {host: api.anthropic.com, dialect: anthropic}
workloads:
  alpha: {groups: [research]}
stages:
  authenticate: {}
  authorize:
    allow: [{}]
  model_map: {passthrough: true}
routes:
  - name: chat
    match: {paths: [/v1/chat/completions]}
"""


def write(folder: Path, text: str = BASE, name: str = "policy.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
