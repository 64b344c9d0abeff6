"""Warn of workloads whose tokens end soon, or have ended. Only `outgate check` does: what it says depends on the day."""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import inf

from outgate.errors import Problem
from outgate.identity.workloads import ENDS_SOON, Kept
from outgate.policy.schema import PolicySection
from outgate.policy.source import Source


def ending(source: Source, policy: PolicySection, now: float) -> Iterator[Problem]:
    """Workloads that nothing lets in beyond the next fourteen days. `now` in seconds since 1970."""
    for name, workload in policy.workloads.items():
        end = max((Kept.read(entry).expires for entry in workload.token_hashes), default=inf)
        if end - now > ENDS_SOON or workload.jwt or workload.certificates:
            continue
        when = f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M} UTC"
        told = f"ends on {when}, in {(end - now) / 86400:.0f} days" if end > now else f"ended on {when}"
        repair = f"`outgate workload rotate {name} --expires 90d` gives it another, with --keep-old beside this one"
        yield source.problem("W_TOKEN_ENDS", f"the token of workload {name!r} {told}", ("workloads", name), repair)
