"""Figures of the report as SVG text: which pass is linked to which, and how far the scan lies from
the mesh."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Alignment

Array = NDArray[Any]
WIDTH, HEIGHT = 460, 340
CROWDED = 16  # passes, from which on names beside each other no longer fit


def link_graph(alignment: Alignment, colors: Array) -> str:
    """Passes on a circle in their COLORS (P,3); a line per link, thick where the overlap is large,
    dashed where it was not used."""
    names = [placed.name for placed in alignment.passes]
    angle = np.arange(len(names)) / max(len(names), 1) * 2 * np.pi - np.pi / 2
    reach = (0, 0) if len(names) == 1 else (WIDTH * 0.25, HEIGHT * 0.36)
    crowded = len(names) > CROWDED
    if crowded:
        reach = (HEIGHT * 0.19, HEIGHT * 0.19)
    at = {
        name: (WIDTH / 2 + reach[0] * np.cos(a), HEIGHT / 2 + reach[1] * np.sin(a))
        for name, a in zip(names, angle, strict=True)
    }
    drawn = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Links between passes">']
    for link in sorted(alignment.links, key=lambda item: item.used):
        if link.a in at and link.b in at:
            (x1, y1), (x2, y2) = at[link.a], at[link.b]
            look = (
                'stroke="#5b8fd0" stroke-opacity=".85"'
                if link.used
                else 'stroke="#9aa4b4" stroke-opacity=".6" stroke-dasharray="3 4"'
            )
            said = html.escape(
                f"{link.a} – {link.b}: overlap {link.overlap:.0%}, score {link.score:.2f},"
                f" {link.method}"
            )
            drawn.append(
                f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {look} '
                f'stroke-width="{1 + 6 * min(max(link.overlap, 0), 1):.1f}">'
                f"<title>{said}</title></line>"
            )
    for number, placed in enumerate(alignment.passes):
        x, y = at[placed.name]
        fill = css(colors[number]) if placed.placed else "none"
        drawn.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{5 if crowded else 8}" fill="{fill}"'
            f' stroke="{css(colors[number])}" stroke-width="2"/>'
        )
        drawn.append(_named(placed.name, x, y, float(angle[number]), crowded))
    return "".join([*drawn, "</svg>"])


def _named(name: str, x: float, y: float, angle: float, crowded: bool) -> str:
    """NAME beside its dot at X, Y; among many turned outward along the circle's ANGLE, or the names
    would lie on each other."""
    right = x >= WIDTH / 2 - 1
    far = 8 if crowded else 13
    anchor, shift = ("start", far) if right else ("end", -far)
    turn, look = "", ""
    if crowded:
        degrees = np.degrees(angle) + (0 if right else 180)
        turn, look = f' transform="rotate({degrees:.1f} {x:.1f} {y:.1f})"', ' style="font-size:8px"'
    return (
        f'<text x="{x + shift:.1f}" y="{y + (3 if crowded else 4):.1f}" text-anchor="{anchor}"'
        f"{turn}{look}>{html.escape(_short(name))}<title>{html.escape(name)}</title></text>"
    )


def histogram(values: Array, unit: str) -> str:
    """Shares of VALUES in 24 bins up to their 99.5th percentile, with mean and 95 % marked."""
    top = float(np.percentile(values, 99.5)) or 1e-12
    counts, _ = np.histogram(values, bins=24, range=(0, top))
    share = counts / max(len(values), 1)
    left, right, floor, ceiling = 10, WIDTH - 10, HEIGHT - 70, 44
    step = (right - left) / len(share)
    drawn = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT - 30}" role="img" aria-label="Distances from scan to'
        ' mesh">'
    ]
    for number, part in enumerate(share):
        tall = (floor - ceiling) * part / share.max()
        drawn.append(
            f'<rect x="{left + number * step + 1:.1f}" y="{floor - tall:.1f}"'
            f' width="{step - 2:.1f}" height="{tall:.1f}" rx="2" fill="#5b8fd0"><title>{part:.1%}'
            " of the points</title></rect>"
        )
    for value, words, line in (
        (float(values.mean()), "mean", 14),
        (float(np.percentile(values, 95)), "95%", 30),
    ):
        x = left + min(value / top, 1) * (right - left)
        anchor = "start" if x < WIDTH / 2 else "end"
        drawn.append(
            f'<line x1="{x:.1f}" y1="{line + 5}" x2="{x:.1f}" y2="{floor}" stroke="#d9822b"'
            ' stroke-width="1.5"/>'
        )
        drawn.append(
            f'<text x="{x:.1f}" y="{line}" text-anchor="{anchor}">{words} {value:.3g} {unit}</text>'
        )
    drawn.append(f'<text class="soft" x="{left}" y="{floor + 18}">0</text>')
    drawn.append(
        f'<text class="soft" x="{right}" y="{floor + 18}" text-anchor="end">{top:.3g} {unit}</text>'
    )
    return "".join([*drawn, "</svg>"])


def css(color: Array) -> str:
    return "#{:02x}{:02x}{:02x}".format(*(int(part) for part in color))


def _short(name: str) -> str:
    return name if len(name) <= 18 else name[:9] + "…" + name[-8:]
