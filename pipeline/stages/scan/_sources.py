"""The scan files of a drop, archives opened, and what lies beside them: materials and pictures that
a mesh among them refers to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from layout import tree
from pipeline.artefacts import Dropped
from pipeline.errors import InputRejected
from pipeline.formats import archives, frames, pictures
from pipeline.formats.meant import meant
from pipeline.formats.refusals import Source
from pipeline.geometry.readers.companions import Companions
from pipeline.stages.scan import _formats
from pipeline.workspace import Workspace

PICTURES = (*pictures.BY_SUFFIX, ".pgm", ".pgm.gz", ".ppm")
MESHES = (".obj", ".stl", ".glb", ".off", ".ply")


@dataclass
class ScanFiles:
    """sources: the scan files, under the names that people know; paths: their whole names; others:
    what is no scan by its name; unasked: what the intake took for no part of the scan."""

    sources: list[Source]
    paths: dict[Source, str]
    others: dict[Source, str]
    beside: Companions
    unasked: list[str]
    # colour and depth pictures, and the texts that may tell of their cameras, by their names
    frames: dict[str, Path]
    texts: dict[str, Path]
    reference: Source | None = None  # the mesh to compare with, which is no pass

    def beside_of(self, source: Source) -> Companions:
        """The files that SOURCE may refer to."""
        return self.beside.below(self.paths.get(source, source.name))

    def left_out(self) -> list[str]:
        """What no scan is and no scan referred to."""
        used = self.beside.used | self.frames.keys() | self.texts.keys()
        return [
            *(source.name for source, path in self.others.items() if path not in used),
            *(name for name in self.unasked if name not in used),
        ]


def find(dropped: Dropped, ws: Workspace, reference: str | None = None) -> ScanFiles:
    """The scan files of the drop, REFERENCE apart; InputRejected where there is none."""
    # a drop of photos or of colour and depth
    photos = [name for name in dropped.names if name.lower().endswith(PICTURES)]
    paths: dict[Source, str] = {}
    others: dict[Source, str] = {}
    own = {name: ws.input / name for name in photos}
    for name in () if photos and not frames.pairs(own) else dropped.names:
        one = Source(name, ws.input / name)
        packed = archives.is_archive(name)
        for source, path in _unpacked(one, ws) if packed else [(one, name)]:
            if tree.is_job_toml(PurePosixPath(source.name).name):
                continue
            is_scan = _formats.is_scan(source.name) and not (packed and _formats.is_prose(source))
            (paths if is_scan else others)[source] = path
    compared = named_mesh(reference, paths | others, ws)
    paths = {source: path for source, path in paths.items() if source != compared}
    others = {source: path for source, path in others.items() if source != compared}
    inside = {path: source.path for source, path in (paths | others).items()}
    shown = {name: path for name, path in inside.items() if _is_picture(name)}
    paired = {name for frame in frames.pairs(shown) for name in frame[1:] if name}
    lying = {name: ws.input / name for name in ws.lying()}
    texts = {
        name: path
        for name, path in (lying | inside).items()
        if paired and name.lower().endswith(frames.TEXTS) and not tree.is_job_toml(name)
    }
    if paired:  # tables of numbers beside frames are poses
        paths = {source: path for source, path in paths.items() if path not in texts}
    if not paths and not paired:
        raise _no_scan([*photos, *(n for n in others.values() if n.lower().endswith(PICTURES))])
    apart = compared.name if compared else None
    meshes = [name for name in _meshes_beside(dropped, ws) if name != apart]
    for name in meshes:
        ws.warn(
            f'{name} is a mesh beside scan passes and was not used; with kind = "scan" in job.toml'
            " it is a pass"
        )
    unasked = [name for name in lying if name not in (*dropped.names, *meshes, apart)]
    beside = Companions((lying | inside).items())
    chosen = {name: path for name, path in shown.items() if name in paired}
    return ScanFiles(list(paths), paths, others, beside, unasked, chosen, texts, compared)


def named_mesh(asked: str | None, found: dict[Source, str], ws: Workspace) -> Source | None:
    """The file of the drop, or of what was FOUND in archives, that the option reference names."""
    if asked is None:
        return None
    known = {name: Source(name, ws.input / name) for name in ws.lying()}
    known |= {path: source for source, path in found.items()}
    those = meant(asked, known)
    if len(those) != 1:
        said = f"may be {' or '.join(those[:5])}" if those else "is not in the drop"
        raise InputRejected(
            f'the reference "{asked}" {said}',
            remedy="Put the mesh into the drop, or correct the option reference.",
        )
    return known[those[0]]


def _is_picture(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(frames.PICTURES)


def _unpacked(source: Source, ws: Workspace) -> list[tuple[Source, str]]:
    """The files of an archive, by the bare names that people know them by, and their whole
    names."""
    folder = f"read_passes/unpacked/{source.name}"  # two folders may hold a scans.zip each
    found = archives.unpack(source, lambda number: ws.path(f"{folder}.{number:05d}"))
    return [
        (
            (
                one._replace(name=f"{source.name}/{PurePosixPath(one.name).name}")
                if one.name.startswith(f"{source.name}/")
                else one
            ),
            one.name,
        )
        for one in found
    ]


def _meshes_beside(dropped: Dropped, ws: Workspace) -> list[str]:
    """Meshes of the drop that the intake took for somebody's result, not for a pass."""
    return [
        name
        for name in ws.lying()
        if name not in dropped.names and name.lower().removesuffix(".gz").endswith(MESHES)
    ]


def _no_scan(shown: list[str]) -> InputRejected:
    """Of a drop without scan files, that holds the pictures SHOWN."""
    if depth := next(filter(pictures.tells_depth, shown), None):
        return InputRejected(
            f"by its name {depth} is of depths, and no picture of colour pairs with it",
            remedy=(
                "Rename it if it is a photo like the others; else name both alike, color_1.png and"
                " depth_1.png."
            ),
        )
    if shown:
        return InputRejected(
            f"the drop holds {len(shown)} pictures that make no scan",
            remedy=(
                "Drop photos alone, or points or meshes; pictures of one object on a plain"
                " background make a draft with a file job.toml beside them that holds the line kind"
                ' = "images".'
            ),
        )
    return InputRejected(
        "no scan file was found in the drop",
        remedy="Drop PLY, PCD, XYZ, E57, LAS, OBJ or STL files, or a zip of these.",
    )
