"""Budget leases of one worker: in memory, whether a request fits into them, and what closing it leaves behind.

Nothing here waits or writes: the journal and the ledger are told by `accounts`.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from outgate.errors import Denial
from outgate.stores.holds import Amount, Ask, Hold, costs, is_of
from outgate.stores.ledger import Grant, LedgerEntry, Want
from outgate.stores.limits import Account
from outgate.stores.windows import window_at

_DRY_FOR = 0.25
_BUSY_RETRY = 1.0
_AHEAD = 2


class Bucket:
    """This worker's lease of one account. `left` is lent and not held; `need` is what waiting requests ask for; below `mark`
    more is fetched ahead of need, unless the account is so near its limit that slices are `exact`.
    """

    __slots__ = (
        "dry_until",
        "ends",
        "exact",
        "key",
        "left",
        "limit",
        "mark",
        "need",
        "open",
        "settled",
        "start",
        "typical",
        "used",
    )

    def __init__(self, account: Account) -> None:
        self.key = account.key
        self.limit = account.limit
        self.start = self.ends = self.left = self.need = self.open = self.typical = self.settled = self.mark = 0
        self.dry_until = 0.0
        self.exact = self.used = False


class Leases:
    """Every lease of this worker, and every hold on them. `clock` gives epoch seconds and never runs backwards."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._returns: list[tuple[str, int, int]] = []
        self.holds: dict[str, Hold] = {}
        self._loose: dict[str, Ask] = {}
        """By exchange, holds of a bound: counted as soon as the room that they take beyond the count is needed."""
        self.low = False
        self.spent: dict[str, tuple[float, ...]] = {}
        """`warn_at` of accounts of which something was spent, until somebody takes them."""

    def take(self, ask: Ask, accounts: tuple[Account, ...]) -> Hold | Denial | None:
        """Hold what the request may cost, in every account; None where a lease must be asked for first.

        A second call for the same exchange replaces its hold; where that is denied, the first one stays until the close.
        What is held by a bound is never the reason of a refusal: before one, everything is counted.
        """
        now = self._clock()
        known = self.holds.get(ask.exchange_id)
        if known is not None:
            if known.max_output == ask.max_output and is_of(known, ask, accounts):
                return known
            self._lift(known, 1)
        by_bound = self._fit(ask, accounts, now)
        hold = by_bound or self._fit_counted(ask.exactly(), accounts, now)
        if hold is None:
            if known is not None:
                self._lift(known, -1)
            return self._refusal(ask.exactly(), accounts, now)
        self.holds[ask.exchange_id] = hold
        self._note(ask, is_loose=by_bound is not None)
        return hold

    def ask_for(self, ask: Ask, accounts: tuple[Account, ...]) -> None:
        """Note what a request that waits needs, counted, for the next turn."""
        now = self._clock()
        for account, (_, tokens) in zip(accounts, costs(ask, accounts), strict=True):
            self._bucket(account, now).need += tokens

    def entries(self, hold: Hold, tokens_in: int, tokens_out: int) -> tuple[LedgerEntry, ...]:
        """What closing a hold at this usage does to its accounts."""
        now, found = self._clock(), []
        for key, start, held, weight in hold.amounts:
            bucket = self._buckets[key]
            if now >= bucket.ends:
                self._enter(bucket, *window_at(bucket.limit.window, now))
            used = tokens_in + weight * tokens_out
            if used <= held and bucket.start == start:
                found.append(LedgerEntry(key, start, used, used, 0))
            else:
                found += _beyond(bucket, start, held, used)
        return tuple(found)

    def close(self, hold: Hold, entries: tuple[LedgerEntry, ...]) -> None:
        """Apply what `entries` gave, once it is in the journal."""
        self._lift(hold, 1)
        del self.holds[hold.exchange_id]
        self._loose.pop(hold.exchange_id, None)
        for entry in entries:
            bucket = self._buckets[entry.key]
            self.spent[entry.key] = bucket.limit.warn_at
            if bucket.start == entry.start:
                bucket.left -= entry.unleased

    def begin_turn(self, *, idle: bool) -> tuple[tuple[tuple[str, int, int], ...], tuple[Want, ...]]:
        """What to give back to the ledger and what to ask of it. `idle` gives back what was not used since the last time."""
        if idle:
            self._give_back()
        returns, self._returns = tuple(self._returns), []
        self.low = False
        return returns, tuple(self._wants())

    def end_turn(self, wants: tuple[Want, ...], grants: tuple[Grant, ...]) -> None:
        now = self._clock()
        for want, grant in zip(wants, grants, strict=True):
            bucket = self._buckets[grant.key]
            if grant.start > bucket.start:
                self._enter(bucket, grant.start, grant.ends)
            elif grant.start < bucket.start:
                self._returns.append((grant.key, grant.start, grant.amount))
                continue
            bucket.left += grant.amount
            bucket.settled = grant.settled
            bucket.exact = grant.amount <= want.need
            bucket.mark = grant.amount // 4
            bucket.dry_until = now + _DRY_FOR if grant.amount < want.need else 0.0

    def undo_turn(self, returns: tuple[tuple[str, int, int], ...]) -> None:
        """The ledger could not be reached: what was to be given back is given back next time."""
        self._returns.extend(returns)

    def release_all(self) -> None:
        """Give back every lease that is not held."""
        for bucket in self._buckets.values():
            bucket.used = False
        self._give_back()

    def _fit(self, ask: Ask, accounts: tuple[Account, ...], now: float) -> Hold | None:
        """The hold, taken from every bucket; None where one of them has too little left."""
        taken, amounts = [], []
        for account in accounts:
            bucket = self._bucket(account, now)
            weight = account.limit.output_weight
            tokens = ask.tokens_in + weight * ask.output
            if bucket.left < tokens or (ask.counting is not None and bucket.exact):
                return None
            taken.append((bucket, tokens))
            amounts.append(Amount(bucket.key, bucket.start, tokens, weight))
        for bucket, tokens in taken:
            bucket.left -= tokens
            bucket.open += 1
            bucket.used = True
            bucket.typical = tokens
            if bucket.left < max(bucket.mark, _AHEAD * tokens) and not bucket.exact:
                self.low = True
        return Hold(ask.exchange_id, tuple(amounts), ask.output, ask.max_output)

    def _note(self, ask: Ask, *, is_loose: bool) -> None:
        if is_loose and ask.counting is not None:
            self._loose[ask.exchange_id] = ask
        else:
            self._loose.pop(ask.exchange_id, None)

    def _fit_counted(self, ask: Ask, accounts: tuple[Account, ...], now: float) -> Hold | None:
        """The hold of a request that is counted, if need be in the room that the bounds of others take."""
        hold = self._fit(ask, accounts, now)
        while hold is None and self._tighten(ask.exchange_id, {account.key for account in accounts}):
            hold = self._fit(ask, accounts, now)
        return hold

    def _tighten(self, asking: str, keys: set[str]) -> bool:
        """Count what one other exchange holds of these accounts by a bound; False where none does."""
        for exchange_id, ask in self._loose.items():
            hold = self.holds[exchange_id]
            if exchange_id != asking and any(amount.key in keys for amount in hold.amounts):
                less = ask.tokens_in - ask.exactly().tokens_in
                self._lift(hold, 1)
                counted = hold._replace(amounts=tuple(each._replace(tokens=each.tokens - less) for each in hold.amounts))
                self._lift(counted, -1)
                self.holds[exchange_id] = counted
                del self._loose[exchange_id]
                return True
        return False

    def _lift(self, hold: Hold, sign: int) -> None:
        """Return what a hold took to the leases of its windows (or take it again: -1)."""
        for key, start, tokens, _ in hold.amounts:
            bucket = self._buckets[key]
            bucket.open -= sign
            if bucket.start == start:
                bucket.left += sign * tokens

    def _refusal(self, ask: Ask, accounts: tuple[Account, ...], now: float) -> Denial | None:
        """Why there is no room; None where the ledger may have some."""
        for account, (_, tokens) in zip(accounts, costs(ask, accounts), strict=True):
            bucket = self._bucket(account, now)
            if tokens > bucket.limit.tokens:
                return _too_large(bucket, tokens)
            if bucket.left < tokens and now < bucket.dry_until:
                remaining = max(1.0, bucket.ends - now)
                busy = bucket.settled + tokens <= bucket.limit.tokens
                return _too_little(bucket, tokens, min(_BUSY_RETRY, remaining) if busy else remaining, busy=busy)
        return None

    def _bucket(self, account: Account, now: float) -> Bucket:
        bucket = self._buckets.get(account.key)
        if bucket is None:
            bucket = self._buckets[account.key] = Bucket(account)
        if now >= bucket.ends:
            self._enter(bucket, *window_at(account.limit.window, now))
        if bucket.limit.tokens > account.limit.tokens:
            self._hand_back(bucket)  # it was lent of more than there is now
        bucket.limit = account.limit
        return bucket

    def _enter(self, bucket: Bucket, start: int, ends: int) -> None:
        self._hand_back(bucket)
        bucket.start, bucket.ends = start, ends
        bucket.dry_until, bucket.exact = 0.0, False

    def _hand_back(self, bucket: Bucket) -> None:
        if bucket.left:
            self._returns.append((bucket.key, bucket.start, bucket.left))
            bucket.left = 0

    def _give_back(self) -> None:
        for bucket in list(self._buckets.values()):
            if not bucket.used and not bucket.need:
                self._hand_back(bucket)
                if not bucket.open:
                    del self._buckets[bucket.key]
            bucket.used = False

    def _wants(self) -> Iterator[Want]:
        for bucket in self._buckets.values():
            missing = max(0, bucket.need - bucket.left)
            ahead = bucket.used and not bucket.exact and bucket.left < max(bucket.mark, _AHEAD * bucket.typical)
            if missing or ahead:
                yield Want(bucket.key, bucket.start, bucket.ends, bucket.limit.tokens, missing, bucket.typical or missing)
            bucket.need = 0


def _beyond(bucket: Bucket, start: int, held: int, used: int) -> Iterator[LedgerEntry]:
    """Within the hold, usage belongs to the window of the hold; beyond it, it is debt of the present window."""
    debt = max(0, used - held)
    paid = min(debt, bucket.left)
    if bucket.start == start:
        yield LedgerEntry(bucket.key, start, used, used - debt + paid, debt)
        return
    yield LedgerEntry(bucket.key, start, used - debt, held, 0)
    if debt:
        yield LedgerEntry(bucket.key, bucket.start, debt, paid, debt)


def _too_large(bucket: Bucket, tokens: int) -> Denial:
    """No wait makes room for it: 400, for clients ask again after a 429 for as long as they are let."""
    message = (
        f"The request may cost {tokens} tokens, more than all {bucket.limit.tokens} of the budget '{bucket.limit.name}'. "
        "Ask for a lower maximum of output, or send less."
    )
    return Denial(code="budget_exhausted", status=400, message=message, cause=f"budget {bucket.limit.name}")


def _too_little(bucket: Bucket, tokens: int, retry_after: float, *, busy: bool) -> Denial:
    reason = "Requests in flight hold all that is left of" if busy else "Too little is left of"
    left, resets = max(0, bucket.limit.tokens - bucket.settled), datetime.fromtimestamp(bucket.ends, UTC)
    message = (
        f"{reason} the budget '{bucket.limit.name}': the request may cost {tokens} tokens, "
        f"{left} of {bucket.limit.tokens} are left, until {resets:%Y-%m-%d %H:%M} UTC."
    )
    return Denial(
        code="budget_exhausted", status=429, message=message, retry_after=retry_after, cause=f"budget {bucket.limit.name}"
    )
