"""Photographs of things that exist only in the computer: speckled bodies on a speckled table, with the cameras that took them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]
FOV = 50.0  # degrees across the longer edge


def speckle(points: Array, seed: int = 0, grain: float = 0.008) -> Array:
    """Colours (N, 3) 0…1 at POINTS (N, 3): smooth noise of three grains, another one for every SEED."""
    from scipy.ndimage import map_coordinates

    lattice = np.random.default_rng(seed).random((3, 64, 64, 64)).astype(np.float32)
    total = np.zeros((len(points), 3), np.float32)
    for octave in range(3):
        at = (points / (grain * 2**octave) + 7.3 * octave).T
        for channel in range(3):
            total[:, channel] += map_coordinates(
                lattice[channel], at, order=1, mode="grid-wrap", prefilter=False
            )
    return np.clip((total / 3 - 0.5) * 2.2 + 0.5, 0, 1)


@dataclass
class Scene:
    """Bodies on a table whose top is at z = 0; about 0.4 wide and 0.45 high, z up."""

    seed: int = 0
    table: bool = True
    sheet: float = 0.0  # a sheet of markers lies on the table, so many times as large as printed
    belt: tuple[float, float] | None = None  # a ball instead, nearly plain between these heights
    rods: int = 0  # so many thin rods stand out of the head, thinner than a few pixels
    bend: float = 0.0  # k of the lens: a ray (x, y, 1) falls on (x, y) (1 + k r²)

    def __post_init__(self) -> None:
        import open3d as o3d

        make = o3d.geometry.TriangleMesh
        if self.belt:
            self.body = make.create_sphere(0.14, 90).translate([0.0, 0.0, 0.13])
        else:
            foot = make.create_box(0.3, 0.24, 0.1).translate([-0.15, -0.12, 0.0])
            head = make.create_sphere(0.12, 60).translate([-0.03, 0.0, 0.2])
            horn = make.create_cone(0.07, 0.2, 60).translate([0.06, 0.03, 0.1])
            self.body = foot + head + horn + _bush(make, self.rods)
        self.scene = o3d.t.geometry.RaycastingScene()
        self.scene.add_triangles(o3d.t.geometry.TriangleMesh.from_legacy(self.body))
        if self.table:
            top = make.create_box(1.6, 1.6, 0.02).translate([-0.8, -0.8, -0.02])
            self.scene.add_triangles(o3d.t.geometry.TriangleMesh.from_legacy(top))

    def photo(self, pose: Array, size: tuple[int, int] = (320, 240), noise: float = 1.0) -> Any:
        """What a camera at POSE (world → camera, OpenCV axes) sees, as a Pillow image of SIZE."""
        import open3d as o3d

        width, height = size
        focal = max(size) / 2 / np.tan(np.radians(FOV / 2))
        double = 2  # samples along a pixel's edge
        x, y = np.meshgrid(
            (np.arange(width * double) + 0.5) / double, (np.arange(height * double) + 0.5) / double
        )
        bent = np.stack([x - width / 2, y - height / 2], -1) / focal
        flat = bent
        for _ in range(20 if self.bend else 0):
            flat = bent / (1 + self.bend * (flat**2).sum(-1, keepdims=True))
        rays = np.concatenate([flat, np.ones((*x.shape, 1))], -1)
        turn, eye = pose[:3, :3].T, -pose[:3, :3].T @ pose[:3, 3]
        rays = (rays.reshape(-1, 3) @ turn.T).astype(np.float32)
        starts = np.broadcast_to(eye, rays.shape).astype(np.float32)
        hit = self.scene.cast_rays(o3d.core.Tensor(np.concatenate([starts, rays], 1)))
        far = hit["t_hit"].numpy()
        colours = np.full((len(rays), 3), 0.62)
        struck = np.isfinite(far)
        points = eye + rays[struck] * far[struck, None]
        normals = hit["primitive_normals"].numpy()[struck]
        shade = 0.75 + 0.25 * np.abs(normals @ np.array([0.3, 0.5, 0.81]))
        colours[struck] = self._colours(points) * shade[:, None]
        colours = colours.reshape(height, double, width, double, 3).mean((1, 3))
        rng = np.random.default_rng(int(1e6 * abs(eye).sum()) + self.seed)
        colours = colours * 255 + rng.normal(0, noise, colours.shape)
        return Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))

    def _colours(self, points: Array) -> Array:
        """Colours (N, 3) 0…1 of POINTS (N, 3) of the surface, without light."""
        colours = speckle(points, self.seed)
        if self.belt:
            plain = (points[:, 2] > self.belt[0]) & (points[:, 2] < self.belt[1])
            colours[plain] = 0.55 + 0.01 * (colours[plain] - 0.5)
        if self.sheet:
            from pipeline.cli.board import drawn
            from pipeline.formats.boards import BOARDS, DOTS

            paper = np.asarray(drawn(BOARDS["a4"])).T[:, ::-1]
            at = points[:, :2] * 1000 / self.sheet + np.array([105, 148.5])
            on = (points[:, 2] < 1e-4) & (at > 0).all(1) & (at < [210, 297]).all(1)
            x, y = (at[on] * DOTS).astype(int).T
            colours[on] = np.where(paper[x, y], 0.9, 0.1)[:, None]
        return colours


def _bush(make: Any, count: int) -> Any:
    """COUNT rods, 4 mm thick and 130 mm long, that stand out of the head into all directions above."""
    rods, rng = make(), np.random.default_rng(9)
    for _ in range(count):
        way = rng.normal(size=3) * [1, 1, 0.5] + [0, 0, 0.8]
        z = way / np.linalg.norm(way)
        x = np.cross(z, [1.0, 0, 0]) / np.linalg.norm(np.cross(z, [1.0, 0, 0]))
        rod = make.create_cylinder(0.002, 0.25, 12).rotate(
            np.stack([x, np.cross(z, x), z], 1), center=np.zeros(3)
        )
        rods += rod.translate(0.125 * z + [-0.03, 0.0, 0.2])
    return rods


def look(eye: Array, at: Array, roll: float = 0.0) -> Array:
    """World → camera (4×4) of a camera at EYE that looks AT a point, its up toward z, turned by ROLL degrees."""
    ahead = np.asarray(at, float) - eye
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(ahead, right), ahead])
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    pose = np.eye(4)
    pose[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ turn
    pose[:3, 3] = -pose[:3, :3] @ eye
    return pose


def ring(
    count: int, height: float = 25.0, distance: float = 0.8, start: float = 0.0
) -> list[Array]:
    """Cameras around the scene, HEIGHT degrees above the table."""
    poses = []
    for azimuth in np.radians(start + np.arange(count) * 360.0 / count):
        up = np.radians(height)
        eye = distance * np.array(
            [np.cos(azimuth) * np.cos(up), np.sin(azimuth) * np.cos(up), np.sin(up)]
        )
        poses.append(look(eye + np.array([0, 0, 0.1]), np.array([0, 0, 0.1])))
    return poses


def jpeg(picture: Any, focal_35: float | None = None, orientation: int | None = None) -> bytes:
    """PICTURE as a JPEG file, with what EXIF is to say."""
    exif = Image.Exif()
    if focal_35:
        exif.get_ifd(0x8769)[0xA405] = round(focal_35)
    if orientation:
        exif[0x0112] = orientation
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95, subsampling=0, exif=exif)
    return file.getvalue()


def drop(folder: Path, photos: dict[str, Any]) -> Path:
    """FOLDER with PHOTOS in it, Pillow images or bytes by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in photos.items():
        (folder / name).write_bytes(picture if isinstance(picture, bytes) else jpeg(picture))
    return folder
