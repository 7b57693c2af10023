"""Time left in words. One wording for every place that shows it."""

from __future__ import annotations

from layout.signs import Progress

FIRST = "first estimate"


def left(eta: float | None, error: float | None, cold: bool = False) -> str:
    """``about 50 s left (±15 s)``; with COLD it says that nothing like it was ever timed here.
    Empty where ETA is None."""
    if eta is None:
        return ""
    doubt = ", ".join(
        part
        for part in (f"±{span(error)}" if error is not None else "", FIRST if cold else "")
        if part
    )
    return f"about {span(eta)} left" + (f" ({doubt})" if doubt else "")


def span(seconds: float) -> str:
    """SECONDS as a person says them, with no more digits than an estimate has."""
    if seconds < 90:
        return f"{max(_rough(seconds), 1):.0f} s"
    return f"{_rough(seconds / 60):.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _rough(number: float) -> float:
    """Steps of 5 from 20 on: 43 is no better known than 45."""
    return round(number) if number < 20 else 5 * round(number / 5)


def percent(fraction: float) -> int:
    """Whole per cent that are done, never one more: 100 only at the end."""
    return int(100 * fraction + 1e-6)


def line(progress: Progress) -> str:
    """``45%  about 50 s left (±15 s)  scan.align  matching a.ply with b.ply``"""
    text = left(progress.eta, progress.eta_error, progress.cold)
    return "  ".join(
        part
        for part in (f"{percent(progress.fraction)}%", text, progress.stage, progress.message)
        if part
    )
