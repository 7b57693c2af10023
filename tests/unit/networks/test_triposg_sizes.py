"""TripoSG at other sizes than the recorded ones: nothing is tied to them, and an even number of
blocks pairs as the formulas say."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipeline.networks.triposg import Transformer, TransformerConfig, VAEConfig
from pipeline.networks.triposg.vae import embedded
from tests.parity import formula, triposg
from tests.parity.sets import check

Array = NDArray[Any]
OTHER: dict[str, Any] = {
    "seed": "another", "batch": 3, "images": [[60, 90, 1, 0]] * 3, "surface_points": 70, "tokens": 20, "sample_seed": 1,
    "radii": [0.5, 0.8, 0.6], "timesteps": [10.0, 500.0, 990.0], "steps": 2, "guidance": 1.0, "field_res": 9, "dense_res": 40,
    "solid": {"gain": 10.0, "parts": [["ellipsoid", [0.1, 0.0, 0.0], [0.5, 0.3, 0.7]]]},
    "config": {
        "vae": {
            "in_channels": 3, "latent_channels": 6, "num_attention_heads": 2, "width_encoder": 16, "width_decoder": 24, "num_layers_encoder": 1,
            "num_layers_decoder": 2, "embedding_type": "frequency", "embed_frequency": 5, "embed_include_pi": True,
        },
        "transformer": {"num_attention_heads": 2, "width": 32, "in_channels": 6, "num_layers": 4, "cross_attention_dim": 24},
        "image_encoder": {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "mlp_ratio": 2, "image_size": 56, "patch_size": 14},
        "image": {"resize": 80, "crop": 70},
        "scheduler": {"num_train_timesteps": 500, "shift": 3.0, "use_dynamic_shifting": False},
    },
}  # fmt: skip


@pytest.mark.slow
def test_a_set_of_another_configuration_is_made_from_its_json(
    testdata: Path, tmp_path: Path
) -> None:
    """What is computed once, stored and computed again is the same, by every name that the small set has."""
    with np.load(testdata / "goldens" / "triposg" / "small.npz") as small:
        third_step = ("sample_velocity_2", "sample_latents_2")  # two are made here
        names = [name for name in small if not name.startswith(("hier", *third_step))]
    extra = formula.generator("another", "extra").uniform(-1, 1, (8, 3)).astype(np.float32)
    points = np.concatenate([np.zeros((256, 3), np.float32), extra])
    recorded: dict[str, Array] = dict.fromkeys(names, np.zeros(0))
    recorded["query_points"] = formula.query_points("another", 1.005, points)
    with torch.inference_mode():
        values, _ = triposg.computed(OTHER, recorded)
        for name in names:
            if name not in ("solid_vertices", "solid_grid_sub", "query_points"):
                recorded[name] = np.asarray(values[name]())
        recorded["solid_grid_sub"] = np.asarray(values["solid_grid"]())[::4, ::4, ::4]
        recorded["solid_vertices"] = np.zeros((1, 3))
    (tmp_path / "other.json").write_text(json.dumps(OTHER))
    np.savez(tmp_path / "other.npz", **recorded)
    lines, wrong = check(tmp_path / "other.json")
    assert {line.name for line in lines if not line.ok} == {"solid_vertices"}
    assert (len(lines), wrong) == (len(names), [])
    assert recorded["dit_velocity"].shape == (3, 20, 6)
    assert recorded["schedule_timesteps"].tolist() == pytest.approx([500.0, 375.0])
    assert recorded["solid_measures"][1] == pytest.approx(
        4 / 3 * math.pi * 0.5 * 0.3 * 0.7, rel=0.03
    )


def test_points_are_embedded_by_multiples_of_pi_where_the_configuration_says_so() -> None:
    point = np.array([0.3, -0.2, 0.9], np.float32)
    config = VAEConfig(frequencies=3, with_pi=True)
    found = embedded(torch.from_numpy(point), config).numpy()
    angles = [x * 2**i * math.pi for x in point for i in range(3)]
    expected = [*point, *map(math.sin, angles), *map(math.cos, angles)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("layers", [1, 2, 4, 5, 6])
def test_any_number_of_blocks_gives_what_the_formulas_say(layers: int) -> None:
    config = TransformerConfig(width=12, layers=layers, heads=3, channels=2, context=5)
    with torch.device("meta"):
        network = Transformer(config)
    formula.fill(network, f"formulas-{layers}", {})
    weights = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}
    z = formula.generator("formulas", "z").standard_normal((4, 2))
    c = formula.generator("formulas", "c").standard_normal((6, 5))
    expected = by_hand(weights, config, z, 333.0, c)
    with torch.inference_mode():
        latents, tokens = (torch.from_numpy(x).float()[None] for x in (z, c))
        found = network(latents, torch.tensor([333.0]), network.look(tokens))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=2e-5)


def by_hand(
    w: dict[str, Array], config: TransformerConfig, z: Array, time: float, c: Array
) -> Array:
    """The velocity by loops in float64, head by head."""

    def linear(name: str, x: Array) -> Array:
        return np.asarray(x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0))

    def norm(name: str, x: Array) -> Array:
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5)
        return np.asarray(x * w[f"{name}.weight"] + w[f"{name}.bias"])

    def rms(name: str, x: Array) -> Array:
        return np.asarray(
            x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6) * w[f"{name}.weight"]
        )

    def gelu(x: Array) -> Array:
        return np.asarray(x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2)

    def attention(name: str, x: Array, seen: Array | None) -> Array:
        d, heads = config.width // config.heads, []
        q, k, v = (
            linear(f"{name}.to_{part}", x if part == "q" or seen is None else seen)
            for part in "qkv"
        )
        joined = np.concatenate([q, k, v] if seen is None else [k, v], axis=-1)
        count = 3 if seen is None else 2
        for h in range(config.heads):
            cut = [joined[:, (h * count + j) * d : (h * count + j + 1) * d] for j in range(count)]
            one = cut[0] if seen is None else q[:, h * d : (h + 1) * d]
            key, value = cut[-2], cut[-1]
            scores = rms(f"{name}.norm_q", one) @ rms(f"{name}.norm_k", key).T / math.sqrt(d)
            share = np.exp(scores - scores.max(axis=-1, keepdims=True))
            heads.append(share / share.sum(axis=-1, keepdims=True) @ value)
        return linear(f"{name}.to_out.0", np.concatenate(heads, axis=-1))

    half = config.width // 2
    angles = time * np.exp(-math.log(10000) * np.arange(half) / half)
    features = np.concatenate([np.sin(angles), np.cos(angles)])
    token = linear("time_proj.linear_2", gelu(linear("time_proj.linear_1", features)))
    x, kept = np.concatenate([token[None], linear("proj_in", z)]), {}
    middle = config.layers // 2
    for i in range(config.layers):
        b = f"blocks.{i}"
        if i > middle:  # the last of the first half first: middle - 1, middle - 2, ...
            joined = np.concatenate([kept[2 * middle - i], x], axis=-1)
            x = norm(f"{b}.skip_norm", linear(f"{b}.skip_linear", joined))
        x = x + attention(f"{b}.attn1", norm(f"{b}.norm1", x), None)
        x = x + attention(f"{b}.attn2", norm(f"{b}.norm2", x), c)
        x = x + linear(f"{b}.ff.net.2", gelu(linear(f"{b}.ff.net.0.proj", norm(f"{b}.norm3", x))))
        kept[i] = x
    return linear("proj_out", norm("norm_out", x)[1:])
