"""What a job of some kind would use of a drop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.drops.item import Item


@dataclass
class Choice:
    kind: str
    used: list[Item]
    notes: list[str] = field(default_factory=list)
    request: dict[str, Any] = field(default_factory=dict)
