"""A worker's entry point: single mitmproxy addons, without the thirty others, then the worker.

`mitmproxy.addons` imports every addon when it is imported (a web framework, LDAP, a parser generator: 11 MB that a worker never
uses). Here an empty package of that name and path takes its place first; its submodules import as usual.
"""

import sys
from importlib.util import find_spec
from types import ModuleType

_NAME = "mitmproxy.addons"


def without_other_addons() -> None:
    """Put an empty `mitmproxy.addons` in place, unless the real one is there."""
    spec = find_spec(_NAME) if _NAME not in sys.modules else None
    if spec is not None:
        package = ModuleType(_NAME)
        package.__path__ = list(spec.submodule_search_locations or ())
        package.__spec__ = spec
        sys.modules[_NAME] = package


if __name__ == "__main__":
    without_other_addons()
    from outgate.server.worker import main

    main()
