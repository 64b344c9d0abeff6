"""`outgate evaluate`: a decision of the gateway over a file of labelled texts, by the code of the live stage.

Each command reads JSON Lines and writes a JSON file of rows and a summary; it stands in a file `evaluate_NAME.py`.
"""

import click

from outgate.cli.commands import Commands

COMMANDS = {
    "cache": "Judge pairs of questions: would one be given the other's answer?",
    "guards": "Judge texts: would the guards of the request act upon them?",
    "output": "Judge answers of models: what would a guard find in them?",
    "redaction": "Find personal data in annotated texts: what would be replaced?",
    "routing": "Route labelled texts by the semantic rule of a policy.",
}


@click.group(cls=Commands, told=COMMANDS, prefix="outgate.cli.evaluate_")
def command() -> None:
    """Measure a decision of the gateway over a file of labelled texts."""
