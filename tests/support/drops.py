"""Drops for tests: small real ones, made by formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def figure(count: int, seed: int) -> np.ndarray:
    """COUNT points (N,3), unit mm, on a body without symmetry: an ellipsoid with three unlike bumps, about 100 mm long."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = 1 / np.sqrt(direction**2 @ np.array([1 / 50**2, 1 / 35**2, 1 / 28**2]))
    for axis, height, width in (
        ((1, 0.4, 0.2), 16, 0.25),
        ((-0.3, 1, 0.5), 12, 0.2),
        ((0.2, -0.6, 1), 20, 0.15),
    ):
        bump = np.array(axis) / np.linalg.norm(axis)
        radius += height * np.exp(-np.sum((direction - bump) ** 2, axis=1) / width)
    return direction * radius[:, None]


def write_ply(path: Path, points: np.ndarray) -> None:
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    path.write_bytes(header.encode() + points.astype("<f4").tobytes())


def scan_folder(folder: Path, passes: int = 3, points: int = 5000, seed: int = 0) -> Path:
    """A drop of PASSES overlapping passes of POINTS points each, every one in a pose of its own."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    whole = figure(points * 4, seed=1)
    for number in range(passes):
        angle = 2 * np.pi * number / passes
        view = np.array([np.cos(angle), np.sin(angle), 0.35])
        order = np.argsort(-(whole @ view) / np.linalg.norm(whole, axis=1))
        part = whole[order[: int(len(whole) * 0.62)]]
        part = part[rng.choice(len(part), points, replace=False)] + rng.normal(
            scale=0.03, size=(points, 3)
        )
        rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        rotation *= np.sign(np.linalg.det(rotation))
        write_ply(folder / f"pass_{number}.ply", part @ rotation.T + rng.uniform(-100, 100, 3))
    return folder


def small_scan(folder: Path) -> Path:
    """A drop of two small passes of which a small model is wanted: every stage of a scan in a few
    seconds, for tests of what happens to a job meanwhile."""
    scan_folder(folder, passes=2, points=2000)
    (folder / "job.toml").write_text('kind = "scan"\nfaces = 2000\ntexture_size = 256\n')
    return folder


def stl_file(path: Path, seed: int = 0) -> Path:
    """A small closed STL: a tetrahedron whose size depends on SEED, so that no two are alike."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float) * (10 + seed)
    faces = [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]]
    body = b"".join(
        np.zeros(3, "<f4").tobytes() + corners[face].astype("<f4").tobytes() + b"\0\0"
        for face in faces
    )
    path.write_bytes(b"inbox3d test".ljust(80, b"\0") + len(faces).to_bytes(4, "little") + body)
    return path
