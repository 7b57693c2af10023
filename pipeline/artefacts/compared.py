"""What a comparison of a scan with a reference came to."""

from __future__ import annotations

from pipeline.artefacts.base import Artefact, Matrix, MaybeFile


class Beyond(Artefact):
    """A place of the scan that lies beyond the tolerance; common frame, drop's unit. off: how far
    at the most, outside the reference positive; width: the diagonal of its box."""

    place: tuple[float, float, float]
    off: float
    width: float
    area: float


class Comparison(Artefact):
    """How far the scan lies from the reference, lengths in the drop's unit. Without ``reference``
    none was asked for; without ``pose`` the two do not fit, and ``why`` says so.

    arrays: npz, the delivered mesh with vertices (V,3), faces (F,3) and off (V,) float32: outside
    the reference positive, NaN where no point was measured. points: npz, off (N,) float32 of the
    points that were compared.
    """

    reference: str | None = None
    why: str | None = None
    unit: str | None = None  # of the reference's file
    pose: Matrix | None = None  # similarity: the reference's coordinates → the common frame
    ways: tuple[
        float, ...
    ] = ()  # further places where it fits as well: degrees, shares of the size
    measured: float = 0.0  # share of the reference's surface that the scan shows
    mean: float = 0.0
    rms: float = 0.0
    p95: float = 0.0
    most: float = 0.0  # |off| but for one point in a thousand
    tolerance: float | None = None
    within: float | None = None  # share of the points within the tolerance
    passed: bool | None = None  # no place lies beyond the tolerance; None: there is none, or no fit
    beyond: tuple[Beyond, ...] = ()  # those places, the farthest off first
    arrays: MaybeFile = None
    points: MaybeFile = None
