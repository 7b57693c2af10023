"""Several photographs side by side, each by one thread: pictures are small, and torch's own threads
wait for each other longer than they work. One thread each also gives the same bits on any host."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
K = TypeVar("K")


class Side:
    """DEVICE to work on, and ``map``: one call for each item, several at once; results in order."""

    def __init__(self, device: Any, pool: ThreadPoolExecutor) -> None:
        self.device, self._pool = device, pool

    def map(self, function: Callable[[K], T], items: Iterable[K]) -> list[T]:
        import torch

        def one(item: K) -> T:
            with torch.inference_mode():
                return function(item)

        return list(self._pool.map(one, items))


@contextmanager
def several() -> Iterator[Side]:
    """As many threads as there are cores; on a GPU one, which keeps it busy."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    count = 1 if device.type == "cuda" else len(os.sched_getaffinity(0))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield Side(device, pool)
    finally:
        torch.set_num_threads(before)
