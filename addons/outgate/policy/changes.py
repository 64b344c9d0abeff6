"""Changes from one policy to the next, by the names of their parts, for the log. Values are kept as digests: none is ever shown."""

from collections.abc import Mapping
from hashlib import sha256

from outgate.policy.schema import PolicySection

_MOST = 6


def parts_of(policy: PolicySection) -> dict[str, bytes]:
    """A digest of each part: `stages.redact`, `workloads.research`, `routes.chat`; `routes` stands for their order."""
    import orjson

    def digest(value: object) -> bytes:
        return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()[:8]

    told = policy.model_dump(mode="json")
    routes = {route["name"]: route for route in told.pop("routes")}
    sections = {name: value for name, value in told.items() if isinstance(value, dict)} | {"routes": routes}
    parts = {f"{name}.{key}": digest(value) for name, section in sections.items() for key, value in section.items()}
    return parts | {"routes": digest(list(routes))} | {name: digest(told[name]) for name in told.keys() - sections}


def changes(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str:
    """`workloads.b added, stages.redact changed`; what else there is when neither says anything: a file that the policy names."""
    names = [*dict.fromkeys([*old, *new])]
    listed = [f"{name} {_how(name in old, name in new)}" for name in names if old.get(name) != new.get(name)]
    told = [each for each in listed if each != "routes changed"] or listed or ["a file that it names changed"]
    return ", ".join(told[:_MOST]) + (f" and {len(told) - _MOST} more" if len(told) > _MOST else "")


def _how(before: bool, after: bool) -> str:  # noqa: FBT001 - a pair
    return "changed" if before and after else "added" if after else "removed"
