"""Plot the regrets of a contest as SVG: a row for each picker and kind of metrics, a dot for each run, a bar at their mean."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import log10

from outgate.testing.pools.matrix import geometric

_LEFT, _WIDTH, _ROW, _TOP, _MOST = 210, 480, 16, 30, 1000.0
_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">
<rect width="{width}" height="{height}" fill="white"/>"""
_COLOURS = ("#0060c0", "#c04000", "#208020")


def plot(regrets: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """The SVG of `regrets`: by metrics, then by picker, that of each run. The axis is logarithmic, from 1 to 1000."""
    pickers = list(dict.fromkeys(picker for known in regrets.values() for picker in known))
    height = _TOP + _ROW * (len(regrets) + 1) * len(pickers) + 20
    lines = [*_axis(height), *_legend(list(regrets))]
    for at, picker in enumerate(pickers):
        top = _TOP + _ROW * (len(regrets) + 1) * at
        lines.append(f'<text x="{_LEFT - 12}" y="{top + _ROW * len(regrets) // 2 + 10}" text-anchor="end">{escape(picker)}</text>')
        for row, (metrics, known) in enumerate(regrets.items()):
            lines += _row(known.get(picker, ()), top + _ROW * row + _ROW // 2, _COLOURS[row % len(_COLOURS)], metrics)
    frame = _FRAME.format(width=_LEFT + _WIDTH + 20, height=height)
    return "\n".join((frame, *lines, "</svg>\n"))


def _row(values: Sequence[float], y: int, colour: str, metrics: str) -> Iterator[str]:
    for value in sorted(values):
        yield f'<circle cx="{_x(value):.1f}" cy="{y}" r="3" fill="{colour}" fill-opacity="0.4"/>'
    if values:
        mean, bar = geometric(values), f'width="3" height="14" fill="{colour}"'
        yield f'<rect x="{_x(mean) - 1.5:.1f}" y="{y - 7}" {bar}><title>{metrics}: {mean:.2f}</title></rect>'


def _axis(height: int) -> Iterator[str]:
    for mark in (1, 2, 3, 10, 30, 100, 300, 1000):
        x = _x(mark)
        yield f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{height - 20}" stroke="#e0e0e0"/>'
        yield f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle">{mark}</text>'


def _legend(kinds: Sequence[str]) -> Iterator[str]:
    for at, kind in enumerate(kinds):
        yield f'<text x="{_LEFT + 130 * at}" y="18" fill="{_COLOURS[at % len(_COLOURS)]}">metrics {escape(kind)}</text>'


def _x(value: float) -> float:
    return _LEFT + _WIDTH * log10(min(max(value, 1.0), _MOST)) / log10(_MOST)
