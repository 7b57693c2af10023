"""Which pairs of passes need not be matched any more."""

from __future__ import annotations

from pipeline.stages.scan._graph import CERTAIN


class Safety:
    """Which passes hang together by strong links already: a pair that would add nothing need not be
    matched."""

    def __init__(self, many: int) -> None:
        self.root = list(range(many))
        self.strong: list[set[int]] = [set() for _ in range(many)]

    def note(self, a: int, b: int, score: float) -> None:
        """A link of this score was found between two passes."""
        if score >= CERTAIN:
            self.strong[a].add(b)
            self.strong[b].add(a)
            self.root = [self.root[b] if root == self.root[a] else root for root in self.root]

    def enough(self, a: int, b: int) -> bool:
        """Both in one group, each held by two strong links."""
        return self.root[a] == self.root[b] and min(len(self.strong[a]), len(self.strong[b])) >= 2
