"""Three curves under each other, as SVG written by hand.

A plotting library would be the largest dependency of this repository, for three polylines that any browser shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tests.soak._trend import Trend

__all__ = ["draw"]

WIDTH, HEIGHT, LEFT, TOP, GAP = 900, 180, 90, 50, 50


def draw(title: str, seconds: Sequence[float], trends: Sequence[Trend]) -> str:
    """Return the plot of some series over the same time."""
    height = TOP + len(trends) * (HEIGHT + GAP)
    size = f'width="{WIDTH + LEFT + 30}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for row, trend in enumerate(trends):
        parts += _curve(seconds, trend, TOP + row * (HEIGHT + GAP))
    return "\n".join([*parts, "</svg>", ""])


def _curve(seconds: Sequence[float], trend: Trend, top: int) -> Iterator[str]:
    bottom = top + HEIGHT - 20
    colour = "#2266aa" if trend.is_flat else "#bb2222"
    yield f'<text x="{LEFT}" y="{top - 4}">{escape(str(trend))}</text>'
    yield f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{bottom - top}" fill="none" stroke="#999999"/>'
    if not trend.values:
        return
    low, high, last = min(trend.values), max(trend.values), seconds[-1] or 1.0
    # From zero, so that a curve that looks flat is flat, with some room above.
    scale = (bottom - top) / (1.15 * high or 1.0)
    points = (
        f"{LEFT + WIDTH * x / last:.1f},{bottom - scale * y:.1f}" for x, y in zip(seconds, trend.values, strict=True)
    )
    yield f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{" ".join(points)}"/>'
    for value in dict.fromkeys((0.0, low, high)):
        y = bottom - scale * value
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>'
    for part in range(5):
        x = LEFT + WIDTH * part / 4
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{last * part / 240:.3g} min</text>'
