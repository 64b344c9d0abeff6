"""Refuse a provider whose address stands in the policy and may not be dialled: every request to it would fail."""

from collections.abc import Iterator

from outgate.errors import Problem
from outgate.net.addresses import judge, literal
from outgate.policy.provider_settings import ProviderSection
from outgate.policy.schema import PolicySection
from outgate.policy.source import Place, Source


def closed_addresses(source: Source, policy: PolicySection) -> Iterator[Problem]:
    """Addresses, none of them names, that are not public and that `allow_addresses` does not open."""
    for name, provider in policy.providers.items():
        for at, host in _dialled(provider):
            address = literal(host)
            refused = judge(address, provider.allow_addresses) if address is not None else None
            if refused is not None:
                message = f"{host} is a {refused.code} address, which is dialled only where the provider's policy opens it"
                repair = f"add `allow_addresses: [{address}]` to the provider {name!r}, or the range that it lies in"
                yield source.problem("E_ADDRESS_CLOSED", message, ("providers", name, *at), repair)


def _dialled(provider: ProviderSection) -> Iterator[tuple[Place, str]]:
    """The hosts that are dialled, with their places: its own only where it has no others."""
    for index, endpoint in enumerate(provider.endpoints):
        yield ("endpoints", index, "address"), endpoint.address.rpartition(":")[0].strip("[]")
    if provider.replicas.dns:
        yield ("replicas", "dns"), provider.replicas.dns.rpartition(":")[0].strip("[]")
    if not (provider.endpoints or provider.replicas.dns or provider.replicas.file):
        yield ("host",), provider.host
