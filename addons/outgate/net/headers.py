"""HTTP header fields as an immutable value: lower-case names, order and repeats kept."""

from collections.abc import Iterable, Iterator


class Headers:
    """Header fields of one message, `(lower-case name, value)` pairs in wire order (RFC 9110 section 5)."""

    __slots__ = ("_first", "fields")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields = tuple([(name.lower(), value) for name, value in fields])
        self._first = dict(reversed(self.fields))

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of `name` (lower case)."""
        return self._first.get(name, default)

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.fields if key == name)

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether one of these names (lower case) is there."""
        return not names.isdisjoint(self._first)

    def without(self, names: frozenset[str]) -> "Headers":
        return Headers(field for field in self.fields if field[0] not in names)

    def __contains__(self, name: object) -> bool:
        return name in self._first

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(self.fields)

    def __repr__(self) -> str:
        return f"Headers({', '.join(name for name, _ in self.fields)})"
