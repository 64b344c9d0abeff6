"""Say each pool of a policy in one line: its replicas, how one is picked, when one is left out, and what takes over."""

from collections.abc import Iterator

from outgate.policy.live import LivePolicy
from outgate.stages.model_map import ModelMap
from outgate.stages.pick_endpoint import PickEndpoint
from outgate.upstreams.catalog import Backend


def pool_lines(policy: LivePolicy) -> list[str]:
    """A line for each backend that may have several replicas."""
    return [f"{each.name}: {'; '.join(_told(each, policy))}" for each in policy.catalog.backends if _is_pool(each)]


def _is_pool(backend: Backend) -> bool:
    return len(backend.endpoints) > 1 or bool(backend.replicas.dns or backend.replicas.file)


def _told(backend: Backend, policy: LivePolicy) -> Iterator[str]:
    picked = dict.fromkeys(stage.settings.strategy.value for stage in _stages(policy, PickEndpoint))
    fallbacks = dict.fromkeys(name for stage in _stages(policy, ModelMap) for name in stage.aliases.after(backend.provider))
    yield f"replicas: {', '.join(_replicas(backend))}"
    yield f"picked by {' or '.join(picked)}"
    yield f"health: {', '.join(_health(backend))}"
    yield f"falls back to {', '.join(fallbacks)}" if fallbacks else "no fallback"


def _replicas(backend: Backend) -> Iterator[str]:
    told = backend.replicas
    if told.fixed:
        yield f"{len(backend.endpoints)} fixed"
    yield from (f"{how} {where}" for how, where in (("name", told.dns), ("file", told.file)) if where)


def _health(backend: Backend) -> Iterator[str]:
    told = backend.replicas.health
    yield f"out after {told.failures} failures for {told.eject:g} s"
    yield f"probed at {told.probe_path} every {told.probe_every:g} s" if told.probe_path else "not probed"
    yield f"load from {backend.replicas.metrics_path}" if backend.replicas.metrics_path else "load not asked"


def _stages[S](policy: LivePolicy, kind: type[S]) -> list[S]:
    owners = (getattr(step.run, "__self__", None) for route in policy.routes for step in route.plan.request)
    return [owner for owner in owners if isinstance(owner, kind)]
