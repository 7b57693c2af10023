"""Everything an InstantMesh set may name, and the sets of FlexiCubes alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.networks.instantmesh import InstantMesh, InstantMeshConfig, flexicubes
from pipeline.networks.instantmesh.cameras import cameras
from pipeline.networks.instantmesh.surface import mesh_surface
from tests.parity import formula, meshes
from tests.parity.triposr import vit_config

Array = NDArray[Any]
Values = dict[str, Callable[[], Any]]


def build(facts: dict[str, Any], surface: str = "mesh") -> InstantMesh:
    """The set's network with its weights."""
    c, p = facts["config"], facts["config"]["p"]
    config = InstantMeshConfig(
        vit=vit_config(c["vit"]), surface=surface, image=c["size"], width=p["transformer_dim"], layers=p["transformer_layers"],  # type: ignore[arg-type]
        heads=p["transformer_heads"], low=p["triplane_low_res"], features=p["triplane_dim"], grid=p["grid_res"], scale=p["grid_scale"],
    )  # fmt: skip
    with torch.device("meta"):
        model = InstantMesh(replace(config, grid=facts.get("grid_res_used", config.grid)))
    formula.fill(model, facts["seed"], {"synthesizer.decoder.": 1.6})
    return model


def hooked(model: InstantMesh) -> dict[str, Any]:
    """A dict that fills with the tensors inside the network as it runs."""
    seen: dict[str, Any] = {}
    vit, block = model.encoder.model, model.transformer.layers[0]
    modules = {
        "camera_embed": model.encoder.camera_embedder, "vit_embeddings": vit.embeddings, "vit_layer0": vit.encoder["layer"][0],
        "image_tokens": vit, "block0_cross": block.cross_attn, "block0_out": block, "transformer_norm": model.transformer.norm,
    }  # fmt: skip
    for name, module in modules.items():
        module.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, out))
    return seen


def computed(facts: dict[str, Any], recorded: dict[str, Array]) -> tuple[Values, list[str]]:
    """Name → tensor for this set, and the names of wrong weights."""
    model = build(facts)
    wrong = formula.check_weights(model, facts.get("weight_check", {}))
    batch, views, chunk = facts["batch"], facts["views"], facts.get("chunk", 65536)
    images = torch.from_numpy(formula.views(facts["config"]["size"], views, batch))
    poses = cameras(views)[None].expand(batch, -1, -1)
    seen = hooked(model)
    planes = model(images, poses)
    points = torch.from_numpy(recorded["query_points"])[None].expand(batch, -1, -1)
    values: Values = {
        "cameras": lambda: poses, "images": lambda: images, "planes": lambda: planes,
        "query_points": partial(formula.query_points, facts["seed"], 1.0, recorded["query_points"]),
        "query_sdf": lambda: model.sdf(planes, points, chunk)[..., None],
        "query_deformation": lambda: model.deformation(planes, points, chunk),
        "query_weight_cubes": lambda: recorded["query_weight_cubes"],
        "query_weight": lambda: model.weight(planes, points[:, torch.from_numpy(recorded["query_weight_cubes"])], chunk),
        "query_rgb": lambda: model.color(planes, points, chunk),
        **{name: partial(Tensor.detach, value) for name, value in seen.items()},
    }  # fmt: skip
    _add_grid(values, model, planes, chunk)
    _add_meshes(values, recorded, model, planes, chunk)
    if any(name.startswith("nerf_") for name in recorded):
        _add_nerf(values, recorded, facts, planes, points, chunk)
    return values, wrong


def first_layer(
    facts: dict[str, Any], recorded: dict[str, Array]
) -> tuple[dict[str, Array], Values]:
    """What is RECORDED of the encoder and of the first layer behind it, and the same as a network with that layer alone gives it."""
    config = facts["config"]
    model = build(facts | {"config": config | {"p": config["p"] | {"transformer_layers": 1}}})
    views = torch.from_numpy(formula.views(config["size"], facts["views"], 1))
    seen = hooked(model)
    model(views, cameras(facts["views"])[None])
    del seen["transformer_norm"]  # what it is given has been through all layers
    kept = {name: a for name, a in recorded.items() if name.rpartition("_")[0] in seen}
    return kept, {name: partial(Tensor.detach, value) for name, value in seen.items()}


def _add_grid(values: Values, model: InstantMesh, planes: Tensor, chunk: int) -> None:
    res = model.config.grid
    positions = flexicubes.grid_positions(res, model.config.scale)
    points = torch.from_numpy(positions)[None].expand(len(planes), -1, -1)
    values |= {
        "grid_res_used": lambda: np.asarray(res),
        "grid_verts": lambda: positions,
        "grid_cubes_head": lambda: flexicubes.cube_corners(np.arange(min(64, res**3)), res),
        "grid_sdf": lambda: model.sdf(planes, points, chunk)[..., None],
        "grid_deformation": lambda: (
            torch.tanh(model.deformation(planes, points, chunk)) / (4 * res)
        ),
    }


def _add_meshes(
    values: Values, recorded: dict[str, Array], model: InstantMesh, planes: Tensor, chunk: int
) -> None:
    @cache
    def mesh(b: int) -> tuple[Array, Array]:
        return mesh_surface(model, planes[b : b + 1], model.config.grid, chunk, step=1)

    def rgb(b: int) -> Array:
        color = model.color(planes[b : b + 1], torch.from_numpy(mesh(b)[0])[None], chunk)[0].numpy()
        match = meshes.nearest(mesh(b)[0], recorded[f"mesh{b}_vertices"])[1]
        return (color.clip(0, 1) * 255).astype(np.uint8)[match]

    for name, array in recorded.items():
        if not (match := re.fullmatch(r"mesh(\d+)_(\w+)", name)):
            continue
        b, what = int(match[1]), match[2]
        if what == "stats":
            values[name] = lambda b=b: mesh_stats(*mesh(b))
        elif what == "bounds":
            values[name] = lambda b=b: np.array([mesh(b)[0].min(0), mesh(b)[0].max(0)])
        elif what == "vertices":
            values[name] = lambda b=b, a=array: meshes.nearest(mesh(b)[0], a)[0]
        elif what == "faces":
            values[name] = lambda b=b, a=array: meshes.face_difference(
                *mesh(b), recorded[f"mesh{b}_vertices"], a
            )
        elif what == "rgb_u8":
            values[name] = partial(rgb, b)


def _add_nerf(
    values: Values,
    recorded: dict[str, Array],
    facts: dict[str, Any],
    planes: Tensor,
    points: Tensor,
    chunk: int,
) -> None:
    model = cache(lambda: build(facts, "nerf"))
    values["nerf_query_rgb"] = lambda: model().color(planes, points, chunk)
    values["nerf_query_sigma"] = lambda: model().density(planes, points, chunk)[..., None]
    for name in recorded:
        if match := re.fullmatch(r"nerf_grid(\d+)_sigma", name):
            res = int(match[1])
            axis = torch.linspace(-1, 1, res)
            corners = (
                torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
                .reshape(1, -1, 3)
                .expand(len(planes), -1, -1)
            )
            values[name] = lambda c=corners, r=res: (
                model().density(planes, c, chunk).reshape(-1, r, r, r, 1)
            )


def mesh_stats(vertices: Array, faces: Array) -> Array:
    """Vertices, faces, area, signed volume."""
    import trimesh

    mesh = trimesh.Trimesh(vertices, faces, process=False)
    return np.array([len(vertices), len(faces), mesh.area, mesh.volume])


def flexicubes_set(facts: dict[str, Any], recorded: dict[str, Array]) -> Values:
    res, scale = facts["res"], facts["scale"]
    positions = flexicubes.grid_positions(res, scale)
    numbers = np.arange((res + 1) ** 3).reshape((res + 1,) * 3)
    values: Values = {
        "grid_verts": lambda: positions,
        "grid_cubes": lambda: flexicubes.cube_corners(np.arange(res**3), res),
        "center_indices": lambda: numbers[(slice(res // 2 + 1, res // 2 + 2),) * 3].reshape(-1),
        "boundary_indices": lambda: numbers[outer_layers(res)],
    }
    for shape in facts["shapes"]:
        values[f"{shape}_sdf"] = partial(np.asarray, recorded[f"{shape}_sdf"])
        for kind in ("plain", "weighted"):
            mesh = cache(partial(_flexicubes_mesh, facts, recorded, shape, kind))
            base = f"{shape}_{kind}"
            values |= {
                f"{base}_vertices": lambda m=mesh, n=base: meshes.nearest(
                    m()[0], recorded[f"{n}_vertices"]
                )[0],
                f"{base}_faces": lambda m=mesh, n=base: meshes.face_difference(
                    *m(), recorded[f"{n}_vertices"], recorded[f"{n}_faces"]
                ),
                f"{base}_stats": lambda m=mesh: mesh_stats(*m()),
                f"{base}_ldev_mean": partial(_spread, facts, recorded, shape, kind),
            }
    return values


def _flexicubes_inputs(
    facts: dict[str, Any], recorded: dict[str, Array], shape: str, kind: str
) -> tuple[Any, ...]:
    res = facts["res"]
    positions, sdf = (
        flexicubes.grid_positions(res, facts["scale"]),
        recorded[f"{shape}_sdf"].reshape((res + 1,) * 3),
    )
    cubes = flexicubes.surface_cubes(sdf)
    if kind == "plain":
        return sdf, positions, cubes, None
    weights = (
        0.1 * formula.generator(facts["seed"], f"{shape}_weights").standard_normal((res**3, 21))
    ).astype(np.float32)
    moved = np.tanh(
        formula.generator(facts["seed"], f"{shape}_deform").standard_normal(positions.shape)
    ) / (res * 4)
    return sdf, positions + moved.astype(np.float32), cubes, weights[cubes]


def _flexicubes_mesh(
    facts: dict[str, Any], recorded: dict[str, Array], shape: str, kind: str
) -> tuple[Array, Array]:
    return flexicubes.flexicubes(*_flexicubes_inputs(facts, recorded, shape, kind))


def _spread(facts: dict[str, Any], recorded: dict[str, Array], shape: str, kind: str) -> Array:
    """Mean over the field's own crossings, which no weight moves, of how far their distance from their dual vertex lies from that
    vertex's mean distance."""
    sdf, positions, cubes, weights = _flexicubes_inputs(facts, recorded, shape, kind)
    found, plain = (
        flexicubes.duals(sdf, positions, cubes, weights),
        flexicubes.duals(sdf, positions, cubes, None),
    )
    distance = np.linalg.norm(plain.crossings - found.vertices[found.owner], axis=1)
    mean = np.bincount(found.owner, distance) / np.bincount(found.owner)
    return np.asarray(np.abs(distance - mean[found.owner]).mean())


def outer_layers(res: int) -> Array:
    """Which grid points (R,R,R) lie in the two outermost layers of any side."""
    outer = np.ones((res + 1,) * 3, bool)
    outer[2:-2, 2:-2, 2:-2] = False
    return outer


def repaired(sdf: Array) -> Array:
    """The box that the published code puts where nothing was found; the product reports MeshEmpty instead."""
    res = len(sdf) - 1
    high, low = sdf.max(), sdf.min()
    out = sdf.copy()
    out[outer_layers(res)] = -1 - high
    out[res // 2 + 1, res // 2 + 1, res // 2 + 1] = 1 - low
    return out


def empty_set(facts: dict[str, Any], recorded: dict[str, Array]) -> Values:
    values: Values = {}
    for name in ("allpos", "allneg"):
        mesh = cache(partial(_empty_mesh, facts, float(recorded[f"{name}_bias_offset"])))
        values |= {
            f"{name}_bias_offset": partial(np.asarray, recorded[f"{name}_bias_offset"]),
            f"{name}_sdf": lambda m=mesh: m()[0],
            f"{name}_vertices": lambda m=mesh, n=name: meshes.nearest(
                m()[1], recorded[f"{n}_vertices"]
            )[0],
            f"{name}_faces": lambda m=mesh, n=name: meshes.face_difference(
                *m()[1:], recorded[f"{n}_vertices"], recorded[f"{n}_faces"]
            ),
        }
    return values


def _empty_mesh(facts: dict[str, Any], offset: float) -> tuple[Array, Array, Array]:
    """The repaired field [1,R³,1] of the set's network with OFFSET added to the last sdf bias, and the mesh of it."""
    model = build(facts)
    model.synthesizer["decoder"].net_sdf[-1].bias.add_(offset)
    images = torch.from_numpy(
        formula.views(facts["config"]["size"], facts["views"], facts["batch"])
    )
    planes = model(images, cameras(facts["views"])[None].expand(facts["batch"], -1, -1))[:1]
    res = model.config.grid
    positions = flexicubes.grid_positions(res, model.config.scale)
    points = torch.from_numpy(positions)[None]
    sdf = repaired(model.sdf(planes, points).numpy().reshape((res + 1,) * 3))
    cubes = flexicubes.surface_cubes(sdf)
    weights = model.weight(
        planes, points[:, torch.from_numpy(flexicubes.cube_corners(cubes, res))]
    )[0].numpy()
    moved = positions + np.tanh(model.deformation(planes, points)[0].numpy()) / np.float32(4 * res)
    return (sdf.reshape(1, -1, 1), *flexicubes.flexicubes(sdf, moved, cubes, weights))
