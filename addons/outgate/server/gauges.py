"""Gauges that the supervisor reads when metrics are asked for: budgets and the authority's end. Nothing of them is kept."""

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from outgate.metering.metrics import Sample
from outgate.server.layout import WITH_KEY
from outgate.stores.reading_back import standings, warned

_MOST = 200
"""Budgets that are told, those with the least share left."""


def budgets(accounts: Path, now: float) -> Iterator[Sample]:
    """Tokens of each budget in its present window: used, held (lent to workers for requests) and left; below zero is debt.

    A budget is left out once its latest window is over, until it is used again, and where the policy in force has it no more.
    """
    found, shares = [each for each in standings(accounts) if each.ends > now and each.is_kept], warned(accounts)
    for each in sorted(found, key=lambda one: one.free / max(1, one.tokens))[:_MOST]:
        name, _, of = each.key.partition("/")
        for state, tokens in (("used", each.settled), ("held", each.leased), ("left", each.free)):
            yield Sample("outgate_budget_tokens", (name, of, state), float(tokens))
        yield Sample("outgate_budget_warned", (name, of), shares.get((each.key, each.start), 0.0))


def authority(certs: Path) -> Iterator[Sample]:
    """The end of the certificate that workloads trust; nothing where it cannot be read."""
    try:
        certificate = x509.load_pem_x509_certificate((certs / WITH_KEY).read_bytes())
    except (OSError, ValueError):
        return
    yield Sample("outgate_certificate_expires_seconds", ("authority",), certificate.not_valid_after_utc.timestamp())
