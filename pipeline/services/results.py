"""What a service answers: files made in its own work folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.artefacts import Artefact, Exported, Mesh, Shots, Views
from pipeline.errors import FormatUnavailable
from pipeline.gpu.device import writable_formats
from pipeline.kept import store
from pipeline.kept.store import Kept
from pipeline.recipes import RECIPES, Leg
from pipeline.services.answers import Answers, encoded
from pipeline.services.device import Device

Answer = dict[str, Any]


def made_by(
    work: Path, request: Answer, legs: tuple[Leg, ...], first: Artefact, device: Device
) -> dict[type[Artefact], Any]:
    store.save(work, 0, Kept.of(work, "", first))
    return dict(store.newest(device.make(work, request, legs)))


def pictures_of(
    shots: list[tuple[float, str, int]], size: tuple[int, int], answers: Answers, device: Device
) -> Answer:
    request = {"kind": "prompt", "prompt": shots[0][1][:2000]}
    with answers.open() as work:
        return shown(
            made_by(
                work,
                request,
                RECIPES["prompt"].legs[:1],
                Shots(shots=tuple(shots), size=size),
                device,
            ),
            work,
            answers,
        )


def shown(kept: dict[type[Artefact], Any], work: Path, answers: Answers) -> Answer:
    views: Views = kept[Views]
    images = []
    for view in views.views:
        path = answers.keep(work, view.image)
        images.append(
            {
                "image_path": str(path),
                "image_b64": encoded(path),
                "azimuth": view.azimuth,
                "seed": view.seed,
            }
        )
    return {
        "images": images,
        "image_paths": [image["image_path"] for image in images],
        "placeholder": views.label == "placeholder",
    }


def exported(kept: dict[type[Artefact], Any], work: Path, answers: Answers, wanted: str) -> Answer:
    mesh: Mesh = kept[Mesh]
    exported: Exported = kept[Exported]
    paths = [
        answers.keep(work, f"output/{name}")
        for name in exported.files_written
        if wanted == "glb" or name != "model.glb"
    ]
    facts = {
        "faces": mesh.faces,
        "watertight": mesh.watertight,
        "label": mesh.label,
        "reconstruction": mesh.reconstruction,
    }
    warnings = store.warnings(store.load(work))
    return {
        "mesh_path": str(paths[0]),
        "files": [str(path) for path in paths],
        **facts,
        "warnings": warnings,
        "placeholder": mesh.label == "placeholder",
    }


def unique(paths: tuple[str, ...]) -> list[str]:
    """File names for PATHS, in their order; where two are alike their sides are not believed."""
    names = [PurePosixPath(path).name for path in paths]
    return (
        names
        if len({*names}) == len(names)
        else [f"picture-{k:02}{PurePosixPath(name).suffix}" for k, name in enumerate(names)]
    )


def writable(name: str) -> None:
    if name not in writable_formats():
        raise FormatUnavailable(
            f"output_format: this host cannot write {name}.",
            remedy="`inbox3d doctor` names what to install.",
        )
