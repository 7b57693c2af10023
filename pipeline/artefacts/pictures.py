"""Pictures of the object: views, shots that a service is asked for, photographs with a camera."""

from __future__ import annotations

from pydantic import Field

from pipeline.artefacts.base import Artefact, File, Matrix, MaybeFile


class View(Artefact):
    """One picture of the object: a file below views/. Azimuth in degrees: 0 = front (camera on +Z),
    90 = the object's own left (+X)."""

    image: File
    azimuth: float
    elevation: float = 0.0
    fov: float | None = None  # of the picture's edge, degrees; None: not known
    source: str  # the file, address or generator it came from
    matting: str | None = None  # alpha, onnx, colour key or GrabCut, once the object is cut out
    seed: int | None = None


class Shots(Artefact):
    """Pictures that a service was asked for one by one: (azimuth in degrees, prompt, seed) each;
    size = width and height in pixels."""

    shots: tuple[tuple[float, str, int], ...]
    size: tuple[int, int]


class Views(Artefact):
    """The multi-view set, front first. Once ``cut`` it is canonical: square RGBA of one size and
    one scale, named by azimuth."""

    views: tuple[View, ...]
    cut: bool = False
    label: str | None = None  # "placeholder" where the pictures only stand in for generated ones
    models: dict[str, str] = Field(
        default_factory=dict
    )  # name → SHA-256 of the weights that made them


class PosedPicture(Artefact):
    """A picture of the surface whose camera is known; a pinhole's, without distortion."""

    image: File
    mask: MaybeFile = None  # a picture of the same size, black where the picture does not count
    camera: tuple[float, float, float, float]  # fx, fy, cx, cy in pixels, corners at 0, 0
    pose: Matrix  # the mesh's own frame and unit → camera: x right, y down, z ahead
    name: str = ""  # of the photograph it was made from
    points: int = 0  # points of other photographs that hold it in place
    residual: float | None = None  # how far these lie from where they should, on average, pixels
    warning: str | None = None


class PosedView(Artefact):
    """The one picture that a mesh was made of, and where it was taken from. picture: None where
    there is none such, or its place is not known; its image is RGBA, the object cut out. several:
    of a mesh that was made of more than one, those whose outline fits it.

    azimuth and elevation in degrees, as in View; agrees: the common share (IoU) of the picture's
    outline and the mesh's. planes: origin and normal of each upright plane that mirrors the mesh,
    the best first, in its frame.
    """

    picture: PosedPicture | None = None
    several: tuple[PosedPicture, ...] = ()
    azimuth: float = 0.0
    elevation: float = 0.0
    agrees: float | None = None
    planes: tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...] = ()


class PosedPictures(Artefact):
    """Pictures that colours may be taken from, and where they are photographs, what was found when
    their cameras were sought. A drop without photographs has none.

    left_out: (name, why) of photographs without a place. links: (a, b, count) of pairs that show
    the same points. groups: names of photographs that hang together, those that are built first.
    sparse: npz, points (N,3) float64 in the common frame, seen (M,2) int32 = point, picture.
    about: centre and radius of what the cameras stand around; None: they look one way.
    size_known: the common frame is in metres, size_from: says what, in words. up_known: z is up as
    the pictures were taken.
    """

    pictures: tuple[PosedPicture, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str, int], ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    sparse: MaybeFile = None
    about: tuple[float, float, float, float] | None = None
    size_known: bool = False
    size_from: str = ""
    up_known: bool = True
