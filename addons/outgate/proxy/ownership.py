"""Which flows an exchange answers for."""

from weakref import WeakSet

from mitmproxy.flow import Flow


class _Owned:
    def __init__(self) -> None:
        self.flows: WeakSet[Flow] = WeakSet()


_OWNED = _Owned()


def own(flow: Flow) -> None:
    """Called by a stream that will hand this flow to an exchange."""
    _OWNED.flows.add(flow)


def is_owned(flow: Flow) -> bool:
    """Identity, not equality: a replayed copy of an owned flow is not owned."""
    return flow in _OWNED.flows
