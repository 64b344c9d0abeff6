"""Load the analyzer without the language runtimes that presidio imports and nothing here uses: half of its memory.

spaCy, thinc and numpy stand behind presidio's engines for models. Ours knows no words (`analyzer.NoModel`), so while presidio is
imported, empty modules stand in for them; afterwards they can be imported as ever.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

RUNTIMES = frozenset({"spacy", "thinc", "numpy", "blis", "srsly", "catalogue", "confection"})


class _Unused(type):
    """The type of what stands in for a class: its methods are decorators that change nothing."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: lambda made: made


class _Empty(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Unused(name, (), {})


class _StandIns(MetaPathFinder, Loader):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002
        return ModuleSpec(fullname, self, is_package=True) if fullname.partition(".")[0] in RUNTIMES else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


@contextmanager
def without_runtimes() -> Iterator[None]:
    """Import no language runtime meanwhile; one that is there already stays."""
    stand_ins = _StandIns()
    sys.meta_path.insert(0, stand_ins)
    try:
        yield
    finally:
        sys.meta_path.remove(stand_ins)
        for name, module in list(sys.modules.items()):
            if isinstance(module, _Empty):
                del sys.modules[name]


def load() -> Any:
    """The model `pii` of the model server."""
    with without_runtimes():
        analyzer = import_module("outgate.detectors.pii.analyzer")
    import_module("outgate.detectors.pii.national_ids").compile_all()
    return analyzer.PiiAnalyzer()
