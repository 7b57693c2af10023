"""Signed deviations as SVG text: a histogram around zero with the tolerance marked, and the key of
its colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.finish._figures import HEIGHT, WIDTH, css

Array = NDArray[Any]
_BINS = 42


def signed_histogram(
    values: Array, tolerance: float | None, unit: str, full: float, colors: Array
) -> str:
    """Shares of VALUES in bins from -FULL to FULL, the ends taking what lies beyond, each in its
    colour of COLORS (C,3)."""
    edges = np.linspace(-full, full, _BINS + 1)
    counts, _ = np.histogram(np.clip(values, -full, full), bins=edges)
    share = counts / max(len(values), 1)
    left, right, floor, ceiling = 10, WIDTH - 10, HEIGHT - 70, 34
    step = (right - left) / _BINS
    drawn = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT - 30}" role="img" aria-label="Deviations from the'
        ' reference">'
    ]
    for number, part in enumerate(share):
        tall = (floor - ceiling) * part / max(float(share.max()), 1e-12)
        middle = (edges[number] + edges[number + 1]) / 2
        colour = css(
            colors[int(np.clip((middle / full + 1) / 2 * len(colors), 0, len(colors) - 1))]
        )
        drawn.append(
            f'<rect x="{left + number * step + 0.5:.1f}" y="{floor - tall:.1f}"'
            f' width="{step - 1:.1f}" height="{tall:.1f}" fill="{colour}" stroke="#8a919c"'
            f' stroke-width=".5"><title>{middle:+.3g} {unit}: {part:.2%} of the points</title>'
            "</rect>"
        )
    marks = [(0.0, "0")] if tolerance is None else [
        (-tolerance, f"-{tolerance:.3g}"), (0.0, "0"), (tolerance, f"+{tolerance:.3g} {unit}")
    ]  # fmt: skip
    for value, words in marks:
        x = left + (value / full + 1) / 2 * (right - left)
        drawn.append(
            f'<line x1="{x:.1f}" y1="{ceiling - 8}" x2="{x:.1f}" y2="{floor}" stroke="#d9822b"'
            ' stroke-width="1.5" stroke-dasharray="4 3"/>'
            f'<text x="{x:.1f}" y="{ceiling - 14}" text-anchor="middle">{words}</text>'
        )
    for x, anchor, words in (
        (left, "start", f"≤ -{full:.3g} {unit}"),
        (right, "end", f"≥ +{full:.3g} {unit}"),
    ):
        drawn.append(
            f'<text class="soft" x="{x}" y="{floor + 18}" text-anchor="{anchor}">{words}</text>'
        )
    return "".join([*drawn, "</svg>"])


def legend(full: float, unit: str, colors: Array) -> str:
    """The key: a bar of the colours, from too little to too much material."""
    step = WIDTH / len(colors)
    bars = "".join(
        f'<rect x="{number * step:.1f}" y="0" width="{step + 0.5:.1f}" height="12"'
        f' fill="{css(colour)}"/>'
        for number, colour in enumerate(colors)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} 34" role="img" aria-label="Key of the colours">{bars}'
        f'<text x="0" y="28">inside by {full:.3g} {unit}</text>'
        f'<text x="{WIDTH / 2:.0f}" y="28" text-anchor="middle">0</text>'
        f'<text x="{WIDTH}" y="28" text-anchor="end">outside by {full:.3g} {unit}</text></svg>'
    )
