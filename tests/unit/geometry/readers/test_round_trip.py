"""A mesh written by another program comes back as it was: shape, colours, normals, pictures."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pipeline.formats import meshes
from pipeline.geometry import readers
from pipeline.geometry.colour import to_srgb
from pipeline.geometry.readers.assemble import assemble
from pipeline.geometry.readers.companions import Companions
from tests.conftest import missing
from tests.support import meshfiles, programs, writers

Array = NDArray[Any]
# What each program writes into each kind of file: s colours as seen on a screen, l colours as linear light,
# n normals, p a picture with its uv, t the uv turned by the material, c copies of the mesh, y the mesh turned so that Y is up.
TABLE = {
    "trimesh": {"a.obj": "sn", "a.glb": "ln", "a.ply": "sn", "text.ply": "sn", "a.stl": "", "text.stl": "", "a.off": "",
                "a.3mf": "", "picture.glb": "pn"},
    "open3d": {"a.obj": "sn", "a.ply": "sn", "text.ply": "sn", "a.off": "sn", "a.glb": "ln", "a.stl": "", "picture.obj": "pn"},
    "meshlab": {"a.obj": "s", "a.ply": "s", "text.ply": "s", "a.off": "s", "a.stl": "", "text.stl": "", "a.3mf": "",
                "picture.ply": "p", "corners.ply": "p", "picture.obj": "p"},
    "blender": {"a.obj": "sny", "a.glb": "sny", "a.ply": "s", "text.ply": "s", "a.stl": "", "text.stl": "", "picture.obj": "pny",
                "picture.glb": "pny", "picture.gltf": "pny", "draco.glb": "pny"},
    "lib3mf": {"a.3mf": "s", "picture.3mf": "p", "components.3mf": "s"},
    "gltf-transform": {"a.glb": "ln", "sparse.glb": "ln", "quantised.glb": "ln", "meshopt.glb": "ln", "filtered.glb": "pn",
                       "draco.glb": "ln", "sequential.glb": "pn", "picture.gltf": "pn", "separate.glb": "pn", "webp.glb": "pn",
                       "avif.glb": "pn", "uastc.glb": "pn", "etc1s.glb": "pn", "turned.glb": "pnt", "glossy.glb": "pn",
                       "instances.glb": "lnc"},
    "cloudcompare": {"a.ply": "s", "a.obj": "", "a.stl": "", "a.off": ""},
    "three": {"big.ply": "sn", "little.ply": "sn", "text.ply": "sn", "a.obj": "n", "a.stl": "", "text.stl": ""},
}  # fmt: skip
# How far what was packed with loss lies off: places, normals, uv, bytes of the picture.
EXACT = (5e-6, 2e-4, 1e-6, 0)
LOSSY = {"quantised.glb": (3e-3, 1e-3, 1e-6, 0), "meshopt.glb": (3e-3, 1e-3, 1e-6, 0), "filtered.glb": (3e-3, 6e-3, 2e-4, 0),
         "draco.glb": (5e-6, 3e-3, 3e-4, 0), "sequential.glb": (5e-6, 3e-3, 3e-4, 0), "uastc.glb": (5e-6, 2e-4, 1e-6, 2),
         "etc1s.glb": (5e-6, 2e-4, 1e-6, 20), "instances.glb": (1e-5, 2e-4, 1e-6, 0)}  # fmt: skip
CASES = [
    pytest.param(program, name, traits, id=f"{program} {name}",
                 marks=[pytest.mark.proof] * (program == "blender")
                 + [pytest.mark.slow] * (program in ("gltf-transform", "cloudcompare")))
    for program, files in TABLE.items() for name, traits in files.items()
]  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of the files that a program wrote; each program runs once."""
    known: dict[str, Path] = {}

    def folder(program: str) -> Path:
        if program == "blender" and importlib.util.find_spec("bpy") is None:
            missing("bpy", "pip install 'inbox3d[fbx]', 1 GB unpacked")
        if program not in known:
            known[program] = tmp_path_factory.mktemp(program)
            programs.ALL[program](known[program])
        return known[program]

    return folder


@pytest.mark.parametrize(("program", "name", "traits"), CASES)
def test_what_another_program_wrote_is_read_as_it_was(
    program: str, name: str, traits: str, written: Callable[[str], Path]
) -> None:
    """Every face, every corner in its place to the file's own precision, and whatever lies on it; nothing is warned of."""
    folder = written(program)
    meshes.check(name, folder / name)
    contents = readers.read(
        name, folder / name, Companions([(one.name, one) for one in folder.iterdir()])
    )
    whole = assemble(contents.parts)
    surface = whole.surface
    assert contents.account.differences() == []
    places, normals, corners = expected(traits)
    place, normal, uv, pixel = LOSSY.get(name, EXACT)
    turned = (
        (lambda rows: rows[:, [0, 2, 1]] * [1, -1, 1]) if "y" in traits else (lambda rows: rows)
    )
    apart = np.linalg.norm(turned(surface.vertices)[:, None] - places, axis=2)
    which = apart.argmin(axis=1)
    assert apart.min(axis=1).max() < place
    assert set(which) == set(range(len(places)))
    assert len(surface.faces) == len(corners)
    assert meshfiles.volume(surface.vertices, surface.faces) == pytest.approx(
        meshfiles.volume(places, corners), rel=max(1e-6, place / 10)
    )
    if "n" in traits:
        assert surface.normals is not None
        assert np.abs(turned(surface.normals) - normals[which]).max() < normal
    elif surface.normals is not None:
        assert np.linalg.norm(surface.normals, axis=1) == pytest.approx(1, abs=1e-5)
    if "p" in traits:
        assert whole.image is not None and surface.uv is not None
        assert whole.image.shape == writers.PICTURE.shape
        assert np.abs(whole.image.astype(int) - writers.PICTURE).max() <= pixel
        laid = turned_uv() if "t" in traits else writers.UV
        assert np.abs(surface.uv - laid[which]).max() < uv
    elif "s" in traits or "l" in traits:
        colors = to_srgb(writers.COLORS / 255) if "l" in traits else writers.COLORS
        assert surface.colors is not None
        assert np.abs(surface.colors.astype(int) - colors[which % 12]).max() <= 1
    else:
        assert surface.colors is None or (
            (surface.colors == surface.colors[0]).all() and surface.colors.min() > 100
        )


def expected(traits: str) -> tuple[Array, Array, Array]:
    """The places, normals and corners that were given to the program; copies follow the original."""
    if "c" not in traits:
        return writers.VERTICES, writers.NORMALS, meshfiles.TRIANGLES
    places, normals, corners = [writers.VERTICES], [writers.NORMALS], [meshfiles.TRIANGLES]
    for k, copy in enumerate(np.array(programs.COPIES), start=1):
        turn, scale = Rotation.from_quat(copy[3:7]), copy[7:]
        places.append(turn.apply(writers.VERTICES * scale) + copy[:3])
        leant = turn.apply(writers.NORMALS / scale)
        normals.append(leant / np.linalg.norm(leant, axis=1, keepdims=True))
        mirrored = slice(None, None, -1 if scale.prod() < 0 else 1)
        corners.append(meshfiles.TRIANGLES[:, mirrored] + 12 * k)
    return np.concatenate(places), np.concatenate(normals), np.concatenate(corners)


def turned_uv() -> Array:
    """UV as KHR_texture_transform lays it, with v counted downwards there."""
    u, v = (writers.UV * [1, -1] + [0, 1]).T * np.array(programs.SCALE)[:, None]
    cos, sin = np.cos(programs.ROTATION), np.sin(programs.ROTATION)
    moved = np.stack([cos * u + sin * v, -sin * u + cos * v], axis=1) + programs.OFFSET
    return moved * [1, -1] + [0, 1]
