"""Tables in Markdown and a curve in SVG out of what the decisions served."""

from collections.abc import Iterator, Mapping, Sequence

from evaluation.decisions import Decision, Seen, rate

type Sets = Mapping[str, Sequence[Seen]]


def table(sets: Sets, named: Mapping[str, Decision]) -> Iterator[str]:
    """A row for each set and label, a column for each decision."""
    yield "| set | pairs | " + " | ".join(named) + " |"
    yield "|---|---|" + "---|" * len(named)
    for name, some in _rows(sets):
        yield f"| {name} | {len(some):,} | " + " | ".join(percent(rate(decision, some)) for decision in named.values()) + " |"


def _rows(sets: Sets) -> Iterator[tuple[str, Sequence[Seen]]]:
    for name, some in sets.items():
        for label in (True, False):
            part = [one for one in some if one.pair.same == label]
            if part:
                yield f"{name}: {'same' if label else 'different'}", part
            kinds = sorted({one.pair.kind for one in part if one.pair.kind})
            for kind in kinds if len(kinds) > 1 else ():
                yield f"… {kind}", [one for one in part if one.pair.kind == kind]


def checks(sets: Sets) -> Iterator[str]:
    """What each check refuses of pairs that mean the same and of others, and how much it alone refuses."""
    some = [one for name in sets for one in sets[name]]
    parts = [[one for one in some if one.pair.same == label] for label in (True, False)]
    yield "| check | same: refused | alone | different: refused | alone |"
    yield "|---|---|---|---|---|"
    for check in sorted({veto for one in some for veto in one.vetoes}):
        shares = [_share(counted, part) for part in parts for counted in (_with(part, check), _alone(part, check))]
        yield f"| {check} | " + " | ".join(shares) + " |"


def _with(part: Sequence[Seen], check: str) -> int:
    return sum(check in one.vetoes for one in part)


def _alone(part: Sequence[Seen], check: str) -> int:
    return sum(one.vetoes == (check,) for one in part)


def _share(count: int, part: Sequence[Seen]) -> str:
    return percent(count / len(part) if part else None)


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def curve(some: Sequence[Seen], families: Mapping[str, Sequence[Decision]]) -> str:
    """An SVG: hits on pairs that mean the same over the share of others that is served, a line for each family of decisions."""
    same = [one for one in some if one.pair.same]
    other = [one for one in some if not one.pair.same]
    lines = []
    for number, (name, decisions) in enumerate(families.items()):
        points = sorted({((rate(each, other) or 0.0), (rate(each, same) or 0.0)) for each in decisions})
        path = " ".join(f"{60 + 440 * min(x / _MOST, 1):.1f},{340 - 320 * y:.1f}" for x, y in points if x <= _MOST)
        colour = _COLOURS[number % len(_COLOURS)]
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="330" y="{300 - 18 * number}" fill="{colour}">{name}</text>')
    return _FRAME.format(lines="\n".join(lines), axis="\n".join(_axis()))


_MOST = 0.06
_COLOURS = ("#888888", "#c04000", "#0060c0", "#208020")
_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 390" font-family="sans-serif" font-size="12">
<rect width="520" height="390" fill="white"/>
{axis}
{lines}
<text x="150" y="382">QQP non-duplicates served (many labels are wrong)</text>
<text x="16" y="230" transform="rotate(-90 16 230)">QQP duplicates served</text>
</svg>
"""


def _axis() -> Iterator[str]:
    for step in range(7):
        x = 60 + 440 * step / 6
        yield f'<line x1="{x}" y1="20" x2="{x}" y2="340" stroke="#e0e0e0"/><text x="{x - 8}" y="357">{step} %</text>'
    for step in range(0, 11, 2):
        y = 340 - 32 * step
        yield f'<line x1="60" y1="{y}" x2="500" y2="{y}" stroke="#e0e0e0"/><text x="26" y="{y + 4}">{10 * step} %</text>'
