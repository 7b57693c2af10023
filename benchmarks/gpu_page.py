"""The page of GPU figures."""

from __future__ import annotations

import time

import torch

from benchmarks.gpu_measured import Row

HEADING = "## GPU"


def table(rows: list[Row]) -> str:
    lines = [
        (
            "| what | how | s, median (min–max) | first call s | peak GiB | × faster than the first"
            " row | counted |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        figures = f"{row.seconds:.3f} ({row.spread})" if row.spread else "–"
        lines.append(
            f"| {row.what} | {row.way} | {figures} | {row.first:.2f} | {row.gigabytes:.1f} |"
            f" {row.ratio:.2f} | {row.note} |"
        )
    return "\n".join(lines).replace("nan", "–")


def section(rows: list[Row], device: str, size: str, command: str) -> str:
    card = torch.cuda.get_device_name() if device == "cuda" else "no GPU"
    facts = (
        f"{time.strftime('%Y-%m-%d')}; {card}, torch {torch.__version__}. Random weights of {size}"
        " sizes, one object at a time."
    )
    return f"{HEADING}\n\n{facts} Command: `{command}`\n\n{table(rows)}\n"


def replaced(page: str, new: str) -> str:
    """PAGE with its section of the same heading replaced by NEW, or with NEW at its end."""
    start = page.find(f"{HEADING}\n")
    if start < 0:
        return f"{page.rstrip()}\n\n{new}"
    end = page.find("\n## ", start + 1)
    return page[:start] + new + (page[end:] if end > 0 else "")
