"""Everything a TripoSR set may name."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.geometry.isosurface import marching_cubes
from pipeline.networks.lattice import sample
from pipeline.networks.triposr import TripoSR, TripoSRConfig, image
from pipeline.networks.triposr.render import render
from pipeline.networks.vit import ViTConfig
from tests.parity import formula, meshes

Array = NDArray[Any]


def vit_config(v: dict[str, Any]) -> ViTConfig:
    return ViTConfig(
        hidden=v["hidden_size"], layers=v["num_hidden_layers"], heads=v["num_attention_heads"], mlp=v["intermediate_size"],
        patch=v["patch_size"], native=v["image_size"], eps=v["layer_norm_eps"],
    )  # fmt: skip


def build(facts: dict[str, Any]) -> TripoSR:
    """The set's network with its weights."""
    c = facts["config"]
    config = TripoSRConfig(
        vit=vit_config(c["vit"]), image=c["cond"], plane=c["plane"], channels=c["ch"], heads=c["heads"], head=c["hd"], layers=c["layers"],
        features=c["out"], neurons=c["neurons"], hidden=c["hidden"], radius=facts.get("radius", 0.87), threshold=facts["threshold"],
    )  # fmt: skip
    with torch.device("meta"):
        model = TripoSR(config)
    formula.fill(model, facts["seed"], {"decoder.": facts.get("decoder_gain", 1.5)})
    return model


def hooked(model: TripoSR) -> dict[str, Any]:
    """A dict that fills with the tensors inside the network as it runs."""
    seen: dict[str, Any] = {}
    vit, block = model.image_tokenizer["model"], model.backbone.transformer_blocks[0]
    modules = {
        "vit_embeddings": vit.embeddings,
        "vit_layer0": vit.encoder["layer"][0],
        "image_tokens": vit,
    }
    modules |= {"backbone_proj_in": model.backbone.proj_in, "backbone_out": model.backbone}
    modules |= {
        "block0_attn1": block.attn1,
        "block0_attn2": block.attn2,
        "block0_ff": block.ff,
        "block0_out": block,
    }
    for name, module in modules.items():
        module.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, out))
    return seen


def computed(
    facts: dict[str, Any], recorded: dict[str, Array]
) -> tuple[dict[str, Callable[[], Any]], list[str]]:
    """Name → tensor for this set, and the names of wrong weights."""
    model = build(facts)
    wrong = formula.check_weights(model, facts.get("weight_check", {}))
    chunk = facts.get("chunk", 8192)
    pre_rgba = [
        image.crop_and_pad(formula.picture(*entry), facts.get("foreground_ratio", 0.85))
        for entry in facts["images"]
    ]
    pre_rgb = [image.on_grey(rgba) for rgba in pre_rgba]
    cond = torch.cat([image.conditioning(rgb, facts["config"]["cond"]) for rgb in pre_rgb])
    seen = hooked(model)
    planes = model(cond)
    seen["image_tokens"] = seen["image_tokens"].transpose(1, 2)[:, None]
    points = torch.from_numpy(recorded["query_points"])[None].expand(len(cond), -1, -1)
    raw = cache(lambda: model.raw(planes, points, chunk))

    values: dict[str, Callable[[], Any]] = {
        "query_points": partial(
            formula.query_points, facts["seed"], model.config.radius, recorded["query_points"]
        ),
        "query_density": lambda: raw()[..., :1],
        "query_features": lambda: raw()[..., 1:],
        "query_density_act": lambda: model.density(planes, points, chunk)[..., None],
        "query_color": lambda: model.color(planes, points, chunk),
        "cond_image": lambda: cond.permute(0, 2, 3, 1),
        "scene_codes": lambda: planes,
        "mc_threshold": lambda: np.asarray(facts["threshold"]),
        **{f"pre_rgba_{k}": partial(np.asarray, a) for k, a in enumerate(pre_rgba)},
        **{f"pre_rgb_{k}": partial(np.asarray, a) for k, a in enumerate(pre_rgb)},
        **{name: partial(torch.Tensor.detach, value) for name, value in seen.items()},
    }
    for name in recorded:
        if match := re.fullmatch(r"render_views(\d+)_(\d+)x\2", name):
            values[name] = partial(render, model, planes[:1], int(match[1]), int(match[2]), chunk)
    _add_meshes(values, recorded, model, planes, chunk)
    return values, wrong


def grid(model: TripoSR, planes: torch.Tensor, res: int, chunk: int, step: int | None = 1) -> Array:
    """Density (res,res,res) of one object, dense or coarse to fine."""
    axis = torch.linspace(0, 1, res) * (2 * model.config.radius) - model.config.radius
    return sample(
        lambda i: model.density(planes, axis[i][None], chunk)[0], res, model.config.threshold, step
    ).numpy()


def _add_meshes(
    values: dict[str, Callable[[], Any]],
    recorded: dict[str, Array],
    model: TripoSR,
    planes: torch.Tensor,
    chunk: int,
) -> None:
    radius = model.config.radius

    @cache
    def density(b: int, res: int) -> Array:
        return grid(model, planes[b : b + 1], res, chunk)

    @cache
    def mesh(b: int, res: int) -> Any:
        vertices, faces = marching_cubes(density(b, res), model.config.threshold)
        vertices = meshes.snapped(density(b, res), model.config.threshold, vertices)
        return meshes.merged((vertices / (res - 1) * 2 - 1) * radius, faces)

    def colors(b: int, res: int, match: Array) -> Array:
        points = torch.from_numpy(mesh(b, res).vertices.astype(np.float32))[None]
        rgb = model.color(planes[b : b + 1], points, chunk)[0].numpy()
        return np.round(rgb * 255).astype(np.uint8)[match]

    for name, array in recorded.items():
        if match := re.fullmatch(r"grid(\d*)_density_res(\d+)", name):
            values[name] = partial(density, int(match[1] or 0), int(match[2]))
        if not (match := re.fullmatch(r"mesh(\d+)_res(\d+)_(\w+)", name)):
            continue
        at, what = (int(match[1]), int(match[2])), match[3]
        if what == "counts":
            values[name] = lambda at=at, a=array: count_difference(mesh(*at), a)
        elif what == "stats":
            values[name] = lambda at=at: np.array([mesh(*at).area, mesh(*at).volume])
        elif what == "bounds":
            values[name] = lambda at=at: mesh(*at).bounds
        elif what == "vertices_sorted":
            values[name] = lambda at=at, a=array: meshes.nearest_of_box(mesh(*at).vertices, a)
        elif what == "colors_sorted":
            places = recorded[name.replace("colors", "vertices")]
            values[name] = lambda at=at, p=places: colors(
                *at, meshes.nearest(mesh(*at).vertices, p)[1]
            )


def marching_cubes_set(recorded: dict[str, Array]) -> dict[str, Callable[[], Any]]:
    """The analytic solid: vertices in world units, faces by number, signed volume."""
    values: dict[str, Callable[[], Any]] = {}
    for name, array in recorded.items():
        if not (match := re.fullmatch(r"density_(\d+)", name)):
            continue
        res = int(match[1])
        index, faces = marching_cubes(array, 25.0)
        vertices = (index / (res - 1) * 2 - 1) * 0.87
        values[name] = partial(np.asarray, array)
        places, theirs = recorded[f"vertices_{res}"], recorded[f"faces_{res}"]
        values[f"vertices_{res}"] = lambda v=vertices, p=places: meshes.nearest_of_box(v, p)
        values[f"volume_{res}"] = lambda v=vertices, f=faces: np.asarray(meshes.merged(v, f).volume)
        values[f"faces_{res}"] = lambda v=vertices, f=faces, p=places, t=theirs: (
            meshes.face_difference(v, f, p, t)
        )
    return values


def count_difference(mesh: Any, counts: Array) -> float:
    """Faces must be as many; vertices no more than recorded, for the recorder left some that coincide unmerged."""
    return float(abs(len(mesh.faces) - counts[1]) + max(0, len(mesh.vertices) - counts[0]))
