"""Load a model when it is first asked for, beside the thread that works: seconds of loading hold up nobody who asks another.

A model that no policy asks for is never loaded. One that cannot be loaded is tried again after a pause.
"""

from collections.abc import Callable, Hashable, Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path

from outgate.model_server.scheduler import MAX_WAITING, Model, Request, Scheduler, Work

PAUSE = 30.0
"""Seconds for which a model that could not be loaded is not tried again."""


class Loader:
    """Stands before a scheduler. `makers` give the models by name; `begin` has `load` called in another thread, then `loaded`.

    A model that needs more than its maker does, by the options of a request, has a method `prepare(options)`.
    """

    def __init__(
        self,
        makers: Mapping[str, Callable[[], Model]],
        scheduler: Scheduler,
        begin: Callable[[Work], None],
        clock: Callable[[], float],
    ) -> None:
        self._makers, self._scheduler, self._begin, self._clock = makers, scheduler, begin, clock
        self._ready: set[Work] = set()
        self._failed: dict[Work, tuple[float, str]] = {}
        self._waiting: dict[Work, list[Request]] = {}

    def add(self, request: Request) -> None:
        """Give a request to the scheduler, now or when what it asks for is loaded."""
        work = request.work
        until, why = self._failed.get(work, (0.0, ""))
        if work in self._ready or request.model not in self._makers:
            self._scheduler.add(request)
        elif self._clock() < until:
            request.reply(None, why)
        elif len(self._waiting.get(work, ())) >= MAX_WAITING:
            request.reply(None, "busy")
        else:
            self._wait(work, request)

    def forget(self, owner: Hashable, number: int | None = None) -> None:
        """Drop a request that nobody waits for any more; without its number, all of a client that has gone."""
        for waiting in self._waiting.values():
            waiting[:] = [one for one in waiting if not one.is_of(owner, number)]
        self._scheduler.forget(owner, number)

    def load(self, work: Work) -> str:
        """Load what this work needs: the only method that runs in another thread. Returns an error, empty where there is none."""
        name, options = work
        try:
            model = self._scheduler.models.get(name) or self._makers[name]()
            if (prepare := getattr(model, "prepare", None)) is not None:
                prepare(options)
        except Exception as error:
            return f"unloadable: {error}"
        self._scheduler.models[name] = model
        return ""

    def loaded(self, work: Work, error: str) -> None:
        """Let those go on who waited for it."""
        if error:
            self._failed[work] = self._clock() + PAUSE, error
        else:
            self._ready.add(work)
        for request in self._waiting.pop(work, ()):
            if error:
                request.reply(None, error)
            else:
                self._scheduler.add(request)

    def _wait(self, work: Work, request: Request) -> None:
        if work not in self._waiting:
            self._begin(work)
        self._waiting.setdefault(work, []).append(request)


def maker(entry: str, state: Path) -> tuple[str, Callable[[], Model]]:
    """`name=module:callable` as a name and what makes the model. The callable is given the state folder where it asks for `state`.

    Nothing is imported before it is made. Raises ValueError for any other form.
    """
    name, _, target = entry.partition("=")
    module, _, attribute = target.partition(":")
    if not (name and module and attribute):
        raise ValueError("a model is given as name=module:callable")

    def make() -> Model:
        call = getattr(import_module(module), attribute)
        model: Model = call(state) if "state" in signature(call).parameters else call()
        return model

    return name, make
