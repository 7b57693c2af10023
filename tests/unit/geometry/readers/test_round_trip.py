"""A mesh written by another program comes back as it was: shape, colours, normals, pictures."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.formats import meshes
from pipeline.geometry import readers
from pipeline.geometry.colour import to_srgb
from pipeline.geometry.readers.assemble import assemble
from pipeline.geometry.readers.companions import Companions
from tests.support import meshfiles, writers

# What each program writes into each kind of file: s colours as seen on a screen, l colours as linear light,
# n normals, p a picture with its uv, y the mesh turned so that Y is up.
TABLE = {
    "trimesh": {"a.obj": "sn", "a.glb": "ln", "a.ply": "sn", "text.ply": "sn", "a.stl": "", "text.stl": "", "a.off": "",
                "a.3mf": "", "picture.glb": "pn"},
    "open3d": {"a.obj": "sn", "a.ply": "sn", "text.ply": "sn", "a.off": "sn", "a.glb": "ln", "a.stl": "", "picture.obj": "pn"},
    "meshlab": {"a.obj": "s", "a.ply": "s", "text.ply": "s", "a.off": "s", "a.stl": "", "text.stl": "", "a.3mf": "",
                "picture.ply": "p", "corners.ply": "p", "picture.obj": "p"},
    "blender": {"a.obj": "sny", "a.glb": "sny", "a.ply": "s", "text.ply": "s", "a.stl": "", "text.stl": "", "picture.obj": "pny",
                "picture.glb": "pny", "picture.gltf": "pny", "draco.glb": "pny"},
    "lib3mf": {"a.3mf": "s", "picture.3mf": "p", "components.3mf": "s"},
    "three": {"big.ply": "sn", "little.ply": "sn", "text.ply": "sn", "a.obj": "n", "a.stl": "", "text.stl": ""},
}  # fmt: skip
CASES = [
    (program, name, traits) for program, files in TABLE.items() for name, traits in files.items()
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of the files that a program wrote; each program runs once."""
    known: dict[str, Path] = {}

    def folder(program: str) -> Path:
        if program == "blender" and importlib.util.find_spec("bpy") is None:
            pytest.skip("bpy is not installed: pip install 'inbox3d[fbx]'")
        if program not in known:
            known[program] = tmp_path_factory.mktemp(program)
            writers.PROGRAMS[program](known[program])
        return known[program]

    return folder


@pytest.mark.parametrize(
    ("program", "name", "traits"), CASES, ids=[f"{program} {name}" for program, name, _ in CASES]
)
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
    assert len(surface.faces) == len(meshfiles.TRIANGLES)
    seen = surface.vertices[:, [0, 2, 1]] * [1, -1, 1] if "y" in traits else surface.vertices
    apart = np.linalg.norm(seen[:, None] - writers.VERTICES, axis=2)
    which = apart.argmin(axis=1)
    assert apart.min(axis=1).max() < 5e-6
    assert set(which) == set(range(12))
    assert meshfiles.volume(surface.vertices, surface.faces) == pytest.approx(
        meshfiles.volume(writers.VERTICES, meshfiles.TRIANGLES), rel=1e-6
    )
    if "n" in traits:
        assert surface.normals is not None
        normals = surface.normals[:, [0, 2, 1]] * [1, -1, 1] if "y" in traits else surface.normals
        assert np.abs(normals - writers.NORMALS[which]).max() < 2e-4
    elif surface.normals is not None:
        assert np.linalg.norm(surface.normals, axis=1) == pytest.approx(1, abs=1e-5)
    if "p" in traits:
        assert whole.image is not None and surface.uv is not None
        assert np.array_equal(whole.image, writers.PICTURE)
        assert np.abs(surface.uv - writers.UV[which]).max() < 1e-6
    elif "s" in traits or "l" in traits:
        colors = to_srgb(writers.COLORS / 255) if "l" in traits else writers.COLORS
        assert surface.colors is not None
        assert np.abs(surface.colors.astype(int) - colors[which]).max() <= 1
    else:
        assert surface.colors is None or (
            (surface.colors == surface.colors[0]).all() and surface.colors.min() > 100
        )
