"""`outgate why`: say in words what happened to a request, or to a text that a guard found, from the lines in the state folder."""

import re
from pathlib import Path
from typing import Any

import click

from outgate.cli.audit_lines import accounts_of, names_of, read
from outgate.cli.options import POLICY, STATE
from outgate.cli.screen import say
from outgate.detectors.actions import DIGEST
from outgate.metering.meant import Names, meant
from outgate.metering.permits import permit
from outgate.metering.words import Budget, request_in_words, text_in_words
from outgate.stores.reading_back import standings

_REQUEST = re.compile(r"req_[0-9a-z]{4,64}")
_FORMS = (
    "a request id (req_…, in `x-outgate-request-id`) or the digest of a text (sixteen letters, in the sentence that withheld it)"
)


@click.command()
@click.argument("subject")
@POLICY
@STATE
def command(*, subject: str, file: Path, state: Path) -> None:
    """Say what happened to SUBJECT: a request id, or the digest of a text that was withheld, refused or flagged.

    Exit code 1 where nothing is written of it, or the state folder cannot be read; 2 where it is neither. Text is never kept, and
    never shown.
    """
    subject = subject.strip()
    request = _REQUEST.fullmatch(subject) is not None
    if not request and DIGEST.fullmatch(subject) is None:
        raise click.UsageError(f"{subject[:80]!r} is neither {_FORMS.replace(' or ', ' nor ', 1)}")
    accounts = accounts_of(state)
    lines = list(read(state, mention=subject))
    told = _request(accounts, subject, lines, file) if request else _text(subject, lines)
    if not told:
        counted = ", or it was counted among many of nobody known" if request else ""
        raise click.ClickException(
            f"nothing is written of {subject} in {accounts}: another gateway, or its lines were removed{counted}"
        )
    say(told, hang=12)


def _request(accounts: Path, subject: str, lines: list[dict[str, Any]], policy: Path) -> list[str]:
    line = next((line for line in lines if line.get("id") == subject), None)
    if line is None:
        return []
    keys = [str(entry[0]) for entry in line.get("settle") or ()]
    budgets = [Budget(each.key, each.free, each.tokens) for each in standings(accounts, keys) if each.is_kept]
    names = names_of(policy) if line.get("outgate.denial.code") else Names()
    return request_in_words(line, budgets, *(str(each or "") for each in (permit(line, names.providers), meant(line, names))))


def _text(subject: str, lines: list[dict[str, Any]]) -> list[str]:
    found = [line for line in lines if f'"{subject}"' in str(line).replace("'", '"')]
    return text_in_words(subject, found) if found else []
