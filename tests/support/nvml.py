"""A driver that says what a test wants: stands in for the module pynvml."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

GIB = 2**30


class Card:
    """One GPU: TENANTS pid → bytes; busy None where it does not tell, as a MIG part."""

    def __init__(
        self,
        number: int,
        gigabytes: int = 80,
        used: int = 0,
        busy: int | None = 0,
        tenants: dict[int, int] | None = None,
    ) -> None:
        self.number, self.uuid = number, f"GPU-{number:08x}"
        self.memory, self.used, self.busy = gigabytes * GIB, used, busy
        self.tenants = tenants or {}


class FakeNvml:
    """As much of pynvml as is asked for; it must be opened before, and is closed after, each question."""

    class NVMLError(Exception):
        pass

    def __init__(self, *cards: Card, driver: bool = True) -> None:
        self.cards, self.driver, self.open = cards, driver, 0

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def _asked(self) -> tuple[Card, ...]:
        assert self.open > 0, "asked before nvmlInit"
        return self.cards

    def nvmlDeviceGetCount(self) -> int:
        return len(self._asked())

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Card:
        return self._found(lambda card: card.number == index)

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> Card:
        return self._found(lambda card: card.uuid == uuid)

    def _found(self, fits: Any) -> Card:
        for card in self._asked():
            if fits(card):
                return card
        raise self.NVMLError("Not Found")

    def nvmlDeviceGetName(self, card: Card) -> str:
        return "NVIDIA Test 80GB"

    def nvmlDeviceGetMemoryInfo(self, card: Card) -> Any:
        return SimpleNamespace(total=card.memory, used=card.used, free=card.memory - card.used)

    def nvmlDeviceGetUtilizationRates(self, card: Card) -> Any:
        if card.busy is None:
            raise self.NVMLError("Not Supported")
        return SimpleNamespace(gpu=card.busy, memory=0)

    def nvmlDeviceGetComputeRunningProcesses(self, card: Card) -> list[Any]:
        return [
            SimpleNamespace(pid=pid, usedGpuMemory=used or None)
            for pid, used in card.tenants.items()
        ]


def install(monkeypatch: pytest.MonkeyPatch, *cards: Card, driver: bool = True) -> FakeNvml:
    """Let every question go to a driver with these CARDS, on a host where nothing hides any."""
    fake = FakeNvml(*cards, driver=driver)
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return fake
