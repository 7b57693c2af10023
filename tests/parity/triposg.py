"""Everything a TripoSG set may name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.backends.grounds import cropped
from pipeline.networks.dinov2 import DINOv2
from pipeline.networks.lattice import sample
from pipeline.networks.triposg import VAE, Flow, Transformer, TransformerConfig, VAEConfig, config
from pipeline.networks.triposg.blocks import KeysValues
from pipeline.networks.triposg.image import on_white
from pipeline.networks.triposg.points import candidates, farthest
from pipeline.networks.triposg.sampling import blind, guided, noise_levels, sampled
from pipeline.networks.triposg.transformer import time_features
from pipeline.networks.triposg.vae import HALF, embedded
from pipeline.networks.vit import MEAN, STD
from tests.parity import formula, solid

Array = NDArray[Any]
Values = dict[str, Callable[[], Any]]


def drawn(seed: str, name: str, *shape: int) -> Tensor:
    return torch.from_numpy(formula.generator(seed, name).standard_normal(shape).astype(np.float32))


class Set:
    """One set's parts, each built when its first tensor is asked for and dropped with the last
    part: the published size must fit into 8 GB."""

    def __init__(self, facts: dict[str, Any], recorded: dict[str, Array]) -> None:
        self.facts, self.recorded, self.sizes = facts, recorded, facts["config"]
        self.seed, self.batch, self.tokens = facts["seed"], facts["batch"], facts["tokens"]
        self.channels = self.sizes["vae"]["latent_channels"]
        self.wrong: list[str] = []
        self._held: tuple[str, Any] = ("", None)

    def network(self, part: str) -> Any:
        if self._held[0] != part:
            self._held = ("", None)
            self._held = (part, self._built(part))
        return self._held[1]

    def _built(self, part: str) -> nn.Module:
        with torch.device("meta"):
            made: nn.Module = {
                "image_encoder": lambda: DINOv2(config.eye(self.sizes["image_encoder"])),
                "transformer": lambda: Transformer(TransformerConfig.of(self.sizes["transformer"])),
                "vae": lambda: VAE(VAEConfig.of(self.sizes["vae"])),
            }[part]()
        formula.fill(made, f"{self.seed}/{part}", {})
        start = f"{part}/"
        checks = self.facts.get("weight_check", {})
        own = {n.removeprefix(start): c for n, c in checks.items() if n.startswith(start)}
        self.wrong += [start + name for name in formula.check_weights(made, own)]
        return made

    @cached_property
    def pictures(self) -> list[Array]:
        return [formula.picture(*row) for row in self.facts["images"]]

    @cached_property
    def prepared(self) -> list[Array]:
        return [on_white(picture) for picture in self.pictures]

    @cached_property
    def pixels(self) -> Tensor:
        size = self.sizes["image"]
        return torch.cat(
            [cropped(rgb, size["resize"], size["crop"], MEAN, STD) for rgb in self.prepared]
        )

    @cached_property
    def seen(self) -> dict[str, Tensor]:
        """All of the image encoder."""
        eye = self.network("image_encoder")
        watched = {"dino_embeddings": eye.embeddings, "dino_layer0": eye.encoder["layer"][0]}
        with Watch(watched) as found:
            tokens = eye(self.pixels)
        return {**found, "image_tokens": tokens}

    def look(self, net: Transformer) -> list[KeysValues]:
        """What the transformer sees: of each object its picture, of all the first where there is
        one alone."""
        tokens = self.seen["image_tokens"]
        return net.look(tokens[: self.batch].expand(self.batch, -1, -1))

    @cached_property
    def surface(self) -> Array:
        r = formula.generator(self.seed, "surface").standard_normal(
            (self.batch, self.facts["surface_points"], 3)
        )
        radii = np.array(self.facts["radii"])
        unit = r / np.linalg.norm(r, axis=-1, keepdims=True)
        normals = unit / radii
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        return np.concatenate([unit * radii, normals], axis=-1).astype(np.float32)

    @cached_property
    def candidates(self) -> Array:
        return candidates(self.facts["surface_points"], self.tokens, self.facts["sample_seed"])

    @cached_property
    def chosen(self) -> Array:
        """Which candidates become tokens [B,M]."""
        points = self.surface[:, self.candidates, :3]
        return np.stack([farthest(one, self.tokens) for one in points])

    @cached_property
    def encoded(self) -> dict[str, Tensor]:
        vae = self.network("vae")
        surface = torch.from_numpy(self.surface)
        chosen = torch.from_numpy(self.candidates[self.chosen])
        blocks = vae.encoder.blocks
        watched = {"enc_block0": blocks[0], "enc_block1": blocks[1], "enc_out": vae.encoder}
        with Watch(watched) as found:
            mean, logvar = vae.encode(surface, chosen)
        rows = torch.cat([embedded(surface[..., :3], vae.config), surface[..., 3:]], dim=-1)
        std = torch.exp(logvar / 2)
        noise = drawn(self.seed, "posterior_noise", *mean.shape)
        return {
            **found,
            "enc_query_features": torch.stack(
                [row[at] for row, at in zip(rows, chosen, strict=True)]
            ),
            "enc_key_features_head": rows[:, :16],
            "posterior_mean": mean,
            "posterior_logvar": logvar,
            "posterior_std": std,
            "posterior_sample": mean + std * noise,
        }

    @cached_property
    def decoded(self) -> dict[str, Tensor]:
        vae = self.network("vae")
        points = torch.from_numpy(self.recorded["query_points"]).expand(self.batch, -1, -1)
        blocks = vae.decoder.blocks
        watched = {
            "dec_post_quant": vae.post_quant,
            "dec_block0": blocks[0],
            "dec_kv": blocks[-2],
            "query_block": blocks[-1],
        }
        with Watch(watched) as found:
            field = vae.field(vae.memory(self.latents("latents")), points)
        return {
            **found,
            "query_field": field[..., None],
            "query_features_head": embedded(points[:1, -8:], vae.config)[0],
        }

    def latents(self, name: str) -> Tensor:
        return drawn(self.seed, name, self.batch, self.tokens, self.channels)

    @cached_property
    def velocities(self) -> dict[str, Tensor]:
        net = self.network("transformer")
        blocks, middle = net.blocks, net.config.layers // 2
        times = torch.tensor(self.facts["timesteps"])
        expanded = times.expand(self.batch)
        seen = self.look(net)
        watched: dict[str, nn.Module] = {
            "dit_time_token": net.time_proj["linear_2"],
            "dit_block0_self": blocks[0].attn1,
            "dit_block0_cross": blocks[0].attn2,
            "dit_block0": blocks[0],
            "dit_block_mid": blocks[middle],
            "dit_block_last": blocks[-1],
        }
        if middle + 1 < len(blocks):
            watched["dit_first_skip_merged"] = blocks[middle + 1].skip_norm
            watched["dit_block_first_skip"] = blocks[middle + 1]
        latents = self.latents("latents")
        with Watch(watched) as found:
            velocity = net(latents, expanded, seen)
        return {
            **found,
            "dit_timesteps": times,
            "dit_time_features": time_features(times, net.config.width),
            "dit_velocity": velocity,
            "dit_velocity_uncond": net(latents, expanded, blind(seen)),
        }

    @cached_property
    def steps(self) -> dict[str, Tensor]:
        """Every step of the sampling loop."""
        net, flow = self.network("transformer"), Flow.of(self.sizes["scheduler"])
        seen = self.look(net)
        made: dict[str, Tensor] = {}
        plain = guided(net, seen, self.facts["guidance"])

        def velocity(latents: Tensor, time: float) -> Tensor:
            made[f"sample_velocity_{len(made) // 2}"] = value = plain(latents, time)
            return value

        def each(k: int, latents: Tensor) -> None:
            made[f"sample_latents_{k - 1}"] = latents

        sampled(velocity, self.latents("noise"), self.facts["steps"], flow, each)
        return made

    def field(self) -> Array:
        """The field of the first object that was sampled, on a lattice."""
        latents = self.steps[f"sample_latents_{self.facts['steps'] - 1}"][:1]
        vae, res = self.network("vae"), self.facts["field_res"]
        axis = torch.from_numpy(np.linspace(-HALF, HALF, res).astype(np.float32))
        memory = vae.memory(latents)
        return sample(lambda i: vae.field(memory, axis[i][None])[0], res, 0.0, 1).numpy()


class Watch:
    """Notes what modules give while the block runs."""

    def __init__(self, modules: dict[str, nn.Module]) -> None:
        self.modules, self.seen = modules, dict[str, Tensor]()

    def __enter__(self) -> dict[str, Tensor]:
        self.hooks = [
            module.register_forward_hook(
                lambda _m, _i, out, name=name: self.seen.__setitem__(name, out)
            )
            for name, module in self.modules.items()
        ]
        return self.seen

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()


OF_PARTS = (  # the order in which they are asked for: one network after the other
    (r"dino_.*|image_tokens", "seen"),
    (r"dit_.*", "velocities"),
    (r"sample_(velocity|latents)_\d+", "steps"),
    (r"enc_.*|posterior_.*", "encoded"),
    (r"dec_.*|query_(block|field|features_head)", "decoded"),
)


def _add_schedules(values: Values, facts: dict[str, Any], names: Iterable[str]) -> None:
    """schedule_sigmas is the set's own, schedule50_timesteps of 50 steps, schedule10_shift3_… shifted."""
    for name in names:
        if not (
            match := re.fullmatch(r"schedule(\d*)(?:_shift([\d.]+))?_(sigmas|timesteps)", name)
        ):
            continue
        flow = Flow(float(match[2] or 1)) if match[1] else Flow.of(facts["config"]["scheduler"])
        levels = np.array(noise_levels(int(match[1] or facts.get("steps", 1)), flow))
        made = levels if match[3] == "sigmas" else flow.trained_steps * levels[:-1]
        values[name] = partial(np.asarray, made)


def computed(facts: dict[str, Any], recorded: dict[str, Array]) -> tuple[Values, list[str]]:
    """Name → tensor for this set, and the names of wrong weights, known once all were asked for."""
    own = Set(facts, recorded)
    values: Values = {
        "pixel_values": lambda: own.pixels,
        "surface": lambda: own.surface,
        "surface_candidates": lambda: own.candidates,
        "surface_fps": lambda: own.chosen,
        "latents": partial(own.latents, "latents"),
        "noise": partial(own.latents, "noise"),
        "query_points": partial(
            formula.query_points, own.seed, HALF, recorded.get("query_points", np.zeros((0, 3)))
        ),
        "sample_field": own.field,
    }
    for k in range(len(facts["images"])):
        values[f"image_{k}"] = lambda k=k: own.pictures[k]
        values[f"pre_rgb_{k}"] = lambda k=k: own.prepared[k]
    for pattern, made in OF_PARTS:
        for name in recorded:
            whole = re.sub(r"_(strided|shape|meanstd)$", "", name)
            if re.fullmatch(pattern, whole):
                values[whole] = lambda m=made, n=whole: getattr(own, m).get(n)
    _add_schedules(values, facts, recorded)
    if "solid" in facts:
        values |= solid.computed(facts, recorded)
    return values, own.wrong
