"""The answer to a name on the command line that there is none of: the nearest, or those that there are."""

from collections.abc import Collection

from outgate.policy.validation_messages import nearest

_SHOWN = 8


def there_is_no(thing: str, name: str, known: Collection[str], where: str, otherwise: str = "") -> str:
    """`there is no workload webap in FILE; did you mean webapp?`; `otherwise` is said where there is none at all."""
    spelt = {each.casefold(): each for each in known}
    if near := nearest(name.casefold(), frozenset(spelt)):
        return f"there is no {thing} {name} in {where}; did you mean {spelt[near]}?"
    names = sorted(known)
    more = f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else ""
    told = f"it has {', '.join(names[:_SHOWN])}{more}" if names else otherwise
    return f"there is no {thing} {name} in {where}" + (f"; {told}" if told else "")
