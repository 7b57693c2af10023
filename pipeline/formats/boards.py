"""Boards of markers that `inbox3d board` prints and a scan of photographs takes its size from:
AprilTags (family 36h11) in rows, whose edge and spacing are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

EDGE, PITCH = 30.0, 42.0  # mm: a marker's black square, and from one marker to the next
DOTS = 20  # printed dots a mm: every cell of a marker is a whole number of them wide
RULER = 100.0  # mm: the line that tells whether the printer kept the size


class Board(NamedTuple):
    """One sheet: width and height in mm, columns and rows of markers, the number of the first."""

    width: float
    height: float
    columns: int
    rows: int
    first: int

    def markers(self) -> Iterator[tuple[int, float, float]]:
        """(number, x, y) of each marker's upper left corner, mm from that of the first."""
        for place in range(self.columns * self.rows):
            row, column = divmod(place, self.columns)
            yield self.first + place, column * PITCH, row * PITCH


# the first twenty markers of a letter lie as they do on A4, so that both are one board
BOARDS = {
    "a4": Board(210, 297, 4, 6, 0),
    "letter": Board(215.9, 279.4, 4, 5, 0),
    "a3": Board(297, 420, 6, 9, 100),
}


class Place(NamedTuple):
    """Of a marker: its sheet, and mm from that sheet's first marker."""

    sheet: str
    x: float
    y: float


def place_of(number: int) -> Place | None:
    """None for a marker that is on no board of ours."""
    for name in ("a4", "a3"):
        board = BOARDS[name]
        for own, x, y in board.markers():
            if own == number:
                return Place(name, x, y)
    return None
