"""Order the targets of an alias for one request: those that may take it, by weight, price or latency, else as they are listed."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import takewhile
from math import inf
from typing import Any, NamedTuple, Protocol

from outgate.errors import Denial
from outgate.inference.attempt import PassedOver
from outgate.inference.principal import Principal
from outgate.inference.prompt import MEDIA, Leaf
from outgate.inference.shown import quoted
from outgate.net.headers import Headers
from outgate.routing.buckets import ranked
from outgate.routing.conversation import asked, opening, tokens_of, until
from outgate.routing.targets import Alias, Found, ModelTarget


class Caller(NamedTuple):
    """The parts of a request by which targets are chosen; where no alias of the policy asks for them they are empty."""

    principal: Principal | None = None
    headers: Headers | None = None
    leaves: Sequence[Leaf] = ()
    media: bool = False
    tools: bool = False
    output_tokens: int = 0
    streams: bool = False
    exchange: str = ""


def needs(aliases: Sequence[Alias], *, ranked: bool = False) -> tuple[str, ...]:
    """The facts by which the targets of these aliases are chosen, apart from the name; `ranked` by the caller's priority too."""
    sized = any(alias.fit or alias.prefer != "listed" for alias in aliases)
    shared = any(alias.weighted for alias in aliases)
    asks = [target.when for alias in aliases for target in alias.targets]
    needs = {
        "principal": ranked or sized or shared or any(when.model_fields_set for when in asks),
        "headers": any(when.headers for when in asks),
        "prompt": sized or shared,
        "tools": shared,
        "params": sized,
        "exchange.id": any(alias.weighted and alias.sticky == "request" for alias in aliases),
    }
    return tuple(name for name, needed in needs.items() if needed)


def caller_of(facts: Any) -> Caller:
    """The caller, from a view that shows what is needed."""
    prompt, params, tools = (getattr(facts, name, None) for name in ("prompt", "params", "tools"))
    return Caller(
        principal=getattr(facts, "principal", None),
        headers=getattr(facts, "headers", None),
        leaves=prompt.leaves if prompt is not None else (),
        media=prompt is not None and not MEDIA.isdisjoint(prompt.unjudged),
        tools=tools is not None and bool(tools.names),
        output_tokens=(params.max_tokens or 0) if params is not None else 0,
        streams=params is not None and params.stream,
        exchange=getattr(facts, "exchange_id", ""),
    )


class Market(Protocol):
    """The measurements that targets are compared by."""

    def window(self, provider: str, model: str) -> int | None: ...

    def dollars(self, provider: str, model: str, input_tokens: int, output_tokens: int) -> float | None: ...

    def seconds(self, provider: str, model: str, *, streams: bool) -> float: ...


class Target(NamedTuple):
    """A provider, and the name of a model there."""

    provider: str
    model: str


class Unfit(NamedTuple):
    """Why no target takes a request: conditions that do not hold, or what it holds."""

    reason: str

    def denial(self, requested: str) -> Denial:
        if self.reason == "size":
            message = f"No target of the model {quoted(requested)} takes a request of this size and kind."
            return Denial(code="no_model_fits", status=400, message=message)
        message = f"The policy has no target of the model {quoted(requested)} for this caller."
        return Denial(code="no_target", status=403, message=message)


def targets_for(found: Found, caller: Caller, market: Market, key: Callable[[str], bytes]) -> list[Target] | Unfit:
    """The targets, the preferred one first."""
    named = [(each, Target(each.provider, found.model(each))) for each in found.alias.targets]
    if caller.principal is not None:
        named = [pair for pair in named if pair[0].when.holds(caller.principal, caller.headers)]
    if not named:
        return Unfit("conditions")
    if found.alias.fit:
        tokens = tokens_of(caller.leaves) + caller.output_tokens
        named = [pair for pair in named if _fits(pair, tokens, caller.media, market)]
    if not named:
        return Unfit("size")
    return _ordered(found, named, caller, market, key)


def _ordered(
    found: Found, named: list[tuple[ModelTarget, Target]], caller: Caller, market: Market, key: Callable[[str], bytes]
) -> list[Target]:
    alias, targets = found.alias, [target for _, target in named]
    if alias.weighted:
        shares = [(f"{target.provider}/{target.model}", each.weight or 0.0) for each, target in named]
        first = ranked(key(found.name), bucket(alias.sticky, caller), shares)
        return [targets[index] for index in (*first, *(index for index in range(len(targets)) if index not in first))]
    if alias.prefer == "cheapest":
        return sorted(targets, key=lambda target: _dollars(target, caller, market))
    if alias.prefer == "fastest":
        return sorted(targets, key=lambda target: market.seconds(*target, streams=caller.streams))
    return targets


def in_health(targets: Sequence[Target], tripped: Callable[[str], bool]) -> Target:
    """The first target whose provider has not tripped; the very first where every one has."""
    if len(targets) == 1:
        return targets[0]
    return next((target for target in targets if not tripped(target.provider)), targets[0])


class Crowd(Protocol):
    """The pools of providers, as one caller meets them: tripped, or too crowded for it. `leaves` is told of a request that leaves a
    provider for another, or is `refused`.
    """

    def tripped(self, provider: str) -> bool: ...

    def keeps_out(self, provider: str) -> bool: ...

    def leaves(self, provider: str, to: str) -> None: ...


def uncrowded(targets: Sequence[Target], crowd: Crowd) -> Target | None:
    """The first target in health whose provider is not too crowded for this caller; None where there is none."""
    wanted = in_health(targets, crowd.tripped)
    if not crowd.keeps_out(wanted.provider):
        return wanted
    others = [target for target in targets if not crowd.keeps_out(target.provider)]
    taken = in_health(others, crowd.tripped) if others else None
    crowd.leaves(wanted.provider, taken.provider if taken is not None else "refused")
    return taken


def passed_over(targets: Sequence[Target], taken: Target, crowd: Crowd) -> tuple[PassedOver, ...]:
    """The targets before the one that was taken, and what keeps them out."""
    before = takewhile(lambda target: target != taken, targets)
    return tuple(
        PassedOver(f"{each.provider}/{each.model}", "pool_tripped" if crowd.tripped(each.provider) else "pool_crowded")
        for each in before
    )


def bucket(sticky: str, caller: Caller) -> str:
    """What a caller is known by: the same on every step of a tool loop, also where nobody is kept."""
    principal = caller.principal
    who = f"{principal.tenant}/{principal.name}/" if principal is not None else "/"
    if sticky == "workload":
        return who
    if sticky == "conversation":
        return who + opening(caller.leaves)
    return who + (question(caller) if caller.tools else caller.exchange)


def question(caller: Caller) -> str:
    """The digest of a conversation up to its last question."""
    digest = sha256()
    for leaf in until(caller.leaves, asked(caller.leaves).turn):
        digest.update(f"{leaf.turn}:{len(leaf.text)}:{leaf.text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _fits(pair: tuple[ModelTarget, Target], tokens: int, media: bool, market: Market) -> bool:  # noqa: FBT001
    each, target = pair
    window = each.context or market.window(*target)
    return (each.media or not media) and (window is None or tokens <= window)


def _dollars(target: Target, caller: Caller, market: Market) -> float:
    """An unknown price is the highest. Measured up to the last question, so that no tool loop changes sides."""
    tokens = tokens_of(until(caller.leaves, asked(caller.leaves).turn))
    dollars = market.dollars(*target, tokens, caller.output_tokens or tokens)
    return inf if dollars is None else dollars
