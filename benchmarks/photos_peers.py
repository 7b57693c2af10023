"""What photographs become elsewhere: pycolmap's cameras alone, and a prototype of the whole way."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scale
from benchmarks.photos_compare import Model, likeness, picture_of
from benchmarks.photos_truth import Truth

HELD = 5  # the photograph that the prototype keeps out of its texture


def sparse_alone(photos: Path, root: Path, truth: Truth | None) -> dict[str, Any]:
    """pycolmap as its page shows it, all options as they come: features, every pair, mapping."""
    import pycolmap

    database, models = root / "alone.db", root / "alone"
    database.unlink(missing_ok=True)
    models.mkdir(exist_ok=True)
    began, wall = scale.cpu(), time.monotonic()
    pycolmap.extract_features(database, photos)
    pycolmap.match_exhaustive(database)
    found = pycolmap.incremental_mapping(database, photos, models)
    rows: dict[str, Any] = {
        "CPU s": scale.cpu() - began,
        "wall s": time.monotonic() - wall,
        "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }
    if not found:
        return rows | {"placed": "none"}
    largest = max(found.values(), key=lambda one: one.num_reg_images())
    rows |= {
        "placed": f"{largest.num_reg_images()} ({len(found)} models)",
        "residual, px": float(largest.compute_mean_reprojection_error()),
    }
    if truth:
        poses = {
            one.name: np.vstack([one.cam_from_world().matrix(), [0, 0, 0, 1]])
            for one in largest.images.values()
            if one.has_pose
        }
        rows |= truth.cameras(Model(np.zeros((0, 3)), np.zeros((0, 3), int), poses))
    return rows


def prototype(photos: Path, root: Path, truth: Truth | None, scripts: Path) -> dict[str, Any]:
    """The scripts one after the other; its mesh and texture judged as the product's are."""
    began, wall = children(), time.monotonic()
    steps = [["sfm.py", photos, root], ["mvs.py", photos, root, root / "mvs"]]
    steps += [["texture.py", photos, root, root / "mvs/mesh.ply", root / "tex"]]
    steps[2] += ["--hold", str(HELD)]
    for step in steps:
        command = [sys.executable, str(scripts / str(step[0])), *map(str, step[1:])]
        subprocess.run(command, check=True, stdout=sys.stderr)
    rows: dict[str, Any] = {
        "CPU s": children() - began,
        "wall s": time.monotonic() - wall,
        "peak GB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9,
    }
    poses, lens, residual = cameras(root)
    rows |= {"placed": str(len(poses)), "residual, px": residual}
    if truth is None:
        return rows
    model = Model(*mesh(root / "mvs/mesh.ply"), poses)
    name = sorted(poses)[HELD]
    painted = Model(*paint(root / "tex"), poses={}, paint=None)
    painted.paint = texture(root / "tex")
    return (
        rows
        | truth.cameras(model)
        | truth.surface(model)
        | {"texture, dB": texture_of(painted, photos / name, poses[name], lens[name], truth)}
    )


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cameras(root: Path) -> tuple[dict[str, Any], dict[str, Any], float]:
    """Poses, and f, cx, cy by photograph; the mean residual in pixels."""
    import pycolmap

    model = pycolmap.Reconstruction(root / "model")
    placed = [one for one in model.images.values() if one.has_pose]
    poses = {one.name: np.vstack([one.cam_from_world().matrix(), [0, 0, 0, 1]]) for one in placed}
    lens = {one.name: model.cameras[one.camera_id].params[[0, 0, 1, 2]] for one in placed}
    return poses, lens, float(model.compute_mean_reprojection_error())


def mesh(file: Path) -> tuple[Any, Any]:
    import open3d as o3d

    found = o3d.io.read_triangle_mesh(str(file))
    return np.asarray(found.vertices), np.asarray(found.triangles)


def paint(folder: Path) -> tuple[Any, Any]:
    stored = np.load(folder / "mesh_uv.npz")
    return stored["v"].astype(np.float64), stored["f"].astype(int)


def texture(folder: Path) -> tuple[Any, Any]:
    """uv at the faces' corners and the image, its first row at v = 1."""
    from PIL import Image

    stored = np.load(folder / "mesh_uv.npz")
    told = json.loads((folder / "texture.json").read_text())["psnr_db"]
    with Image.open(folder / "texture.png") as opened:
        image = np.asarray(opened.convert("RGB"), np.float32) / 255
    upright = image if told["as_is"] > told["flipped"] else image[::-1]
    return stored["uv"][stored["uvf"].astype(int)], upright


def texture_of(model: Model, file: Path, pose: Any, lens: Any, truth: Truth) -> str:
    from PIL import Image

    with Image.open(file) as opened:
        photograph = np.asarray(opened.convert("RGB"), np.float32) / 255
    picture, hit = picture_of(model, lens, pose, (photograph.shape[0], photograph.shape[1]))
    return f"{likeness(picture, photograph, hit & truth.shows(file.name)):.1f} ({file.name})"
