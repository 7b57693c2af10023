"""A FLUX.2 klein of a few hundred kilobytes with random weights, saved as the published folders are, and low-rank changes to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WIDTH = 16  # of the text encoder; three of its layers are read
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

TRANSFORMER: dict[str, Any] = {
    "in_channels": 16, "num_layers": 1, "num_single_layers": 1, "attention_head_dim": 16, "num_attention_heads": 2,
    "joint_attention_dim": 3 * WIDTH, "timestep_guidance_channels": 32, "axes_dims_rope": (4, 4, 4, 4), "guidance_embeds": False,
}  # fmt: skip
VAE: dict[str, Any] = {
    "block_out_channels": (8, 16), "down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2,
    "layers_per_block": 1, "latent_channels": 4, "norm_num_groups": 4,
}  # fmt: skip


def save(folder: Path, distilled: bool = True) -> None:
    """Write the pipeline to FOLDER (library: diffusers, transformers)."""
    import torch
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0 if distilled else 1)
    words = _tokenizer()
    text = Qwen3Config(
        vocab_size=len(words), hidden_size=WIDTH, intermediate_size=32, num_hidden_layers=28, num_attention_heads=2, num_key_value_heads=1,
        head_dim=8, tie_word_embeddings=True,
    )  # fmt: skip
    transformer, vae = Flux2Transformer2DModel(**TRANSFORMER), AutoencoderKLFlux2(**VAE)
    parts: dict[str, Any] = {
        "scheduler": FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        "vae": vae,
        "transformer": transformer,
        "text_encoder": Qwen3ForCausalLM(text),
        "tokenizer": words,
    }
    Flux2KleinPipeline(**parts, is_distilled=distilled).save_pretrained(
        folder, safe_serialization=True
    )


def depth(models: Path, rank: int = 2, name: str = "flux2-klein-depth") -> dict[str, Any]:
    """Low-rank changes as models/NAME, named as the published file names them; these tensors."""
    import torch

    from pipeline.weights import loading

    torch.manual_seed(2)
    inner = 32
    shapes = {
        "double_blocks.0.img_attn.qkv": (3 * inner, inner),
        "double_blocks.0.img_attn.proj": (inner, inner),
        "single_blocks.0.linear2": (inner, 4 * inner),
    }
    state = {}
    for place, (out, come) in shapes.items():
        state[f"diffusion_model.{place}.lora_A.weight"] = torch.randn(rank, come)
        state[f"diffusion_model.{place}.lora_B.weight"] = torch.randn(out, rank)
    loading.save_tensors(models / name, state, loading.LORA, {})
    return state


def _tokenizer() -> Any:
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2TokenizerFast

    names = [*sorted(ByteLevel.alphabet()), "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made = Qwen2TokenizerFast(
        vocab={name: k for k, name in enumerate(names)}, merges=[], model_max_length=131_072
    )
    made.chat_template = TEMPLATE
    return made
