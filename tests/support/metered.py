"""The meter over ended exchanges, with real accounts and metrics: what it writes, counts and settles."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace

from prometheus_client.parser import text_string_to_metric_families

from outgate.metering.charge import Basis, Charge
from outgate.metering.metrics import Metrics, render
from outgate.metering.price_list import Price
from outgate.metering.prices import Prices
from outgate.stages.close_exchange import CloseExchange
from support.budgets import Clock, ask, audited, limit, running

PRICES = Prices(lambda: 0.0, overrides={("openai", "gpt-4o-mini"): Price.flat(Decimal(1), Decimal(10))})


def metered(folder, *endings, reserve=(), learned=None, refusals=None):
    """Close these endings, in accounts where `reserve` is held; what was written, what was counted, what is settled."""

    async def story():
        async with running(folder, limit(10_000)) as accounts:
            meter = CloseExchange(accounts, Metrics(folder / "metrics"), Clock().wall, PRICES, learned, refusals=refusals)
            for exchange_id in reserve:
                hold = await accounts.reserve(ask(exchange_id))
                assert hold.amounts
            for ending in endings:
                held = accounts._leases.holds.get(ending.exchange_id)
                meter.run(ending._replace(hold=held))
            return sum(standing.settled for standing in await accounts.standings())

    settled = asyncio.run(story())
    families = text_string_to_metric_families(render(folder / "metrics").decode())
    counted = {(each.name, tuple(each.labels.values())): each.value for family in families for each in family.samples}
    return SimpleNamespace(lines=audited(folder), counted=counted, settled=settled)


def closed_of(ending):
    """The event of an ending, as the stage makes it."""
    return CloseExchange(None, None, Clock().wall)._closed(ending, Charge(0, 0, Basis.NOTHING))
