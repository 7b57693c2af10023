"""A Zero123++ of a few hundred kilobytes with random weights, saved as the published folder is."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.tinyflux import clip_tokenizer

TOKENS, WIDTH = 77, 32


def save(folder: Path, seed: int = 0) -> None:
    """Write the components and model_index.json to FOLDER (libraries: diffusers, transformers)."""
    import torch
    from diffusers import AutoencoderKL, EulerAncestralDiscreteScheduler, UNet2DConditionModel
    from transformers import (
        CLIPTextConfig,
        CLIPTextModel,
        CLIPVisionConfig,
        CLIPVisionModelWithProjection,
    )

    torch.manual_seed(seed)
    words = clip_tokenizer(folder.parent / ".clip")
    text = CLIPTextConfig(
        vocab_size=len(words), hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, projection_dim=WIDTH,
        bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    eye = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        projection_dim=WIDTH,
    )
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=4,
        cross_attention_dim=WIDTH, attention_head_dim=(2, 4), use_linear_projection=True,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(8, 16, 16, 16), down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1, latent_channels=4, norm_num_groups=4, sample_size=64,
    )  # fmt: skip
    scheduler = EulerAncestralDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        prediction_type="v_prediction",
        steps_offset=1,
    )
    parts = {
        "vae": vae, "unet": unet, "scheduler": scheduler, "text_encoder": CLIPTextModel(text), "tokenizer": words,
        "vision_encoder": CLIPVisionModelWithProjection(eye),
    }  # fmt: skip
    for name, part in parts.items():
        part.save_pretrained(folder / name)
    _index(
        folder,
        {
            name: [type(part).__module__.split(".")[0], type(part).__name__]
            for name, part in parts.items()
        },
    )


def _index(folder: Path, entries: dict[str, list[str]]) -> None:
    for name, edge, resample in (
        ("feature_extractor_vae", 64, 2),
        ("feature_extractor_clip", 28, 3),
    ):
        (folder / name).mkdir()
        facts = {
            "crop_size": {"height": edge, "width": edge},
            "image_mean": 0.5,
            "image_std": 0.8,
            "resample": resample,
            "do_resize": True,
        }
        (folder / name / "preprocessor_config.json").write_text(json.dumps(facts))
        entries[name] = ["transformers", "CLIPImageProcessor"]
    index = {
        "_class_name": "Zero123PlusPipeline",
        **entries,
        "ramping_coefficients": [k / TOKENS for k in range(TOKENS)],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
