"""FBX by Blender: the bpy module in a child process, else a system blender; metres declared, Y up,
texture embedded."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import FormatUnavailable, StageFailed
from pipeline.stages.finish._model import Model

SECONDS = 600
CHILD = Path(__file__).with_name("_fbx_child.py")


def available() -> bool:
    """Whether this host can write FBX."""
    return importlib.util.find_spec("bpy") is not None or shutil.which("blender") is not None


def write(model: Model, path: Path) -> None:
    """Write MODEL, which stands in Y-up metres, to PATH. Raises FormatUnavailable where there is no
    Blender."""
    surface = model.surface
    textured = surface.uv is not None and model.image is not None
    parts: dict[str, Any] = {
        "vertices": surface.vertices,
        "faces": surface.faces,
        "normals": surface.normals,
    }
    parts |= {"uv": surface.uv} if textured else {"colors": surface.colors}
    with tempfile.TemporaryDirectory(dir=path.parent.parent) as folder:
        arrays = Path(folder) / "model.npz"
        np.savez(arrays, **{name: part for name, part in parts.items() if part is not None})
        # bare, equal names: Blender writes the texture's name into the file
        image = (
            []
            if not textured or model.image is None
            else [shutil.copyfile(model.image, Path(folder) / "model.png")]
        )
        _blender(folder, "write", "model.npz", "model.fbx", *(item.name for item in image))
        shutil.move(Path(folder) / "model.fbx", path)


def read(path: Path) -> dict[str, Any]:
    """faces, bounds, uv, image of an FBX as Blender's importer sees it."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(path, Path(folder) / "model.fbx")
        _blender(folder, "read", "model.fbx", "answer.json")
        answer: dict[str, Any] = json.loads((Path(folder) / "answer.json").read_text())
        return answer


def _blender(folder: str, verb: str, *names: str) -> None:
    if importlib.util.find_spec("bpy") is not None:
        command = [sys.executable, str(CHILD), "--"]
    elif program := shutil.which("blender"):
        command = [
            program,
            "--background",
            "--factory-startup",
            "--python-exit-code",
            "1",
            "--python",
            str(CHILD),
            "--",
        ]
    else:
        remedy = "Install the extra: pip install 'inbox3d[fbx]'."
        raise FormatUnavailable("FBX needs Blender, and there is none on this host", remedy=remedy)
    # equal names in equal order: the exporter's ids come from Python's hashes
    environment = {**os.environ, "PYTHONHASHSEED": "0", "HOME": folder}
    place = [str(Path(folder) / name) for name in names]
    command += [verb, *place]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != 0 or not Path(place[-1 if verb == "read" else 1]).exists():
        raise StageFailed(
            f"Blender could not {verb} the FBX: {(done.stderr or done.stdout).strip()[-300:]}",
            remedy="Run it without fbx (output_format), and report it with the job's log.",
        )
