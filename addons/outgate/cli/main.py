"""`outgate`: one command per task, each in its own file, imported when it is called.

Exit codes: 0 done; 1 a check, test or file is wrong; 2 the command line is wrong, or a policy is refused at start.
"""

from typing import Any

import click

from outgate.cli.commands import Commands

COMMANDS = {
    "init": "Write a policy to begin with, and say what to do next.",
    "run": "Run the gateway: a supervisor, workers and the model server.",
    "web": "Run the gateway under mitmweb, to look at flows.",
    "check": "Check policies and run the behaviour tests beside them.",
    "plan": "Show a policy on one screen, or in which order stages run, and why.",
    "evaluate": "Measure a decision over a file of labelled texts.",
    "why": "Say what happened to a request, or to a text that a guard found.",
    "denied": "List what was refused or failed at a provider, and what would mend it.",
    "spend": "Say who spent what, and what a change of model did to it.",
    "doctor": "Look at what a gateway needs on this machine, and say what to mend.",
    "status": "Ask the running gateway how it is: policy, workers, budgets, certificate.",
    "cache": "List and drop cached answers.",
    "workload": "Add, rotate or revoke a workload's token; list or remove workloads.",
    "env": "Print what a workload sets, for each language, Docker and Kubernetes.",
    "placeholder": "Make the text of a placeholder for a credential.",
    "completion": "Print what bash, zsh or fish read to complete commands.",
    "ca": "Make or show the certificate authority that workloads trust.",
}


@click.group(cls=Commands, told=COMMANDS, prefix="outgate.cli.", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="outgate")
def cli() -> None:
    """Outgate: an AI gateway for traffic that leaves."""


def main() -> Any:
    """Entry point."""
    return cli()


if __name__ == "__main__":
    main()
