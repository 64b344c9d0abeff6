"""Plans at work in tests: every run is counted, every fact has a plain value."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from outgate.errors import Denial
from outgate.net.headers import Headers
from outgate.pipeline.compiler import Placement, compile_plan
from outgate.pipeline.executor import Execution
from outgate.pipeline.facts import FACTS, Origin
from outgate.pipeline.plan import Answer, Plan

GIVEN = {name: f"<{name}>" for name, known in FACTS.items() if known.origin <= Origin.BODY}
ANSWER = Answer(status=200, headers=Headers(()), stream=None, source="gateway")


class Exchange:
    """One exchange under one plan. `behaviours` replace what a stage does; `runs` counts how often each ran."""

    def __init__(
        self, placements: tuple[Placement, ...], behaviours: dict[str, Callable[[Any], Any]] | None = None, **how: Any
    ) -> None:
        self.runs: Counter[str] = Counter()
        changed = behaviours or {}
        self.plan: Plan = compile_plan([self._counted(p, changed.get(p.name, p.run)) for p in placements], **how)
        self.execution = Execution(self.plan, iter(range(10**9)).__next__)
        self.execution.give(GIVEN)

    def _counted(self, placement: Placement, run: Callable[[Any], Any]) -> Placement:
        def counting(facts: Any) -> Any:
            self.runs[placement.name] += 1
            return run(facts)

        async def counting_and_waiting(facts: Any) -> Any:
            self.runs[placement.name] += 1
            return await run(facts)

        return placement._replace(run=counting_and_waiting if asyncio.iscoroutinefunction(run) else counting)

    def request(self, **outside: Any) -> Denial | Answer | None:
        """Bring the request up to date; keywords are outside facts with `_` for the dot."""
        self.execution.give({name.replace("_", ".", 1): value for name, value in outside.items()})
        return asyncio.run(self.execution.ensure(self.plan.request))

    def close(self) -> Denial | Answer | None:
        return asyncio.run(self.execution.ensure(self.plan.close))


def left_behind() -> set[str]:
    """Tasks of this loop besides the one that asks."""
    return {str(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()}
