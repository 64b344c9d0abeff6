"""Attack on metrics by invented names: where any model passes, ten thousand names must not make ten thousand series."""

import asyncio

import pytest

from outgate.metering.metrics import OTHER, Metrics, render
from outgate.stages.close_exchange import CloseExchange
from support.budgets import Clock, limit, running
from support.endings import ended, refused_at_the_door

INVENTED = 10_000
NAMED = "gpt-4o-mini"


def invented(number, **fields):
    """An exchange for a model that nobody knows, let through by policy."""
    name = f"invented-{number}"
    return ended(f"{name}-{len(fields)}", model=name, model_requested=name, **fields)


ENDINGS = {
    "refused by the provider": {"r_status": 404, "usage": None},
    "refused by policy": {"r_status": None, "r_source": None, "model_admitted": None, "outcome": "denied", "attempts": ()},
    "unanswered": {"r_status": None, "r_source": None, "usage": None, "outcome": "failed"},
}


def series_after(folder, *stories):
    """The names of all series after each of the stories, lists of endings, in turn."""

    async def metering():
        async with running(folder, limit(10_000)) as accounts:
            meter = CloseExchange(accounts, Metrics(folder / "metrics"), Clock().wall, models=frozenset({NAMED}))
            found = []
            for story in stories:
                for ending in story:
                    meter.run(ending)
                lines = render(folder / "metrics").decode().splitlines()
                found.append({line.rpartition(" ")[0] for line in lines if not line.startswith("#")})
            return found

    return asyncio.run(metering())


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
def test_ten_thousand_invented_models_leave_the_exposition_as_it_was(tmp_path, ending):
    first, last = series_after(
        tmp_path,
        [ended("named"), invented(-1, **ENDINGS[ending])],
        (invented(number, **ENDINGS[ending]) for number in range(INVENTED)),
    )

    assert first == last
    assert [] == [series for series in last if "invented" in series]
    assert [series for series in last if f'model="{OTHER}"' in series]
    assert [series for series in last if f'model="{NAMED}"' in series]


@pytest.mark.slow
def test_a_provider_that_answers_for_every_name_teaches_but_a_few(tmp_path):
    learned, last = series_after(
        tmp_path,
        [invented(number) for number in range(100)],
        (invented(number) for number in range(100, INVENTED)),
    )

    assert learned == last
    names = {label for series in last for label in series.split('"') if label.startswith("invented")}
    assert 8 == len(names)


def test_what_ends_before_a_model_is_known_has_no_name_of_one(tmp_path):
    [found] = series_after(tmp_path, [refused_at_the_door()])

    assert [] == [series for series in found if OTHER in series]
