"""The parts of a diffusers folder: which of its files the pipeline loads, and which of these are
missing.

A hub's listing, a folder to import and a folder of ours are judged by the same two functions, so
that what is fetched, copied and demanded are the same files. Single-file copies at the root,
half-precision doubles, pickles and other frameworks' files are none of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pipeline.errors import BackendUnavailable

STEM = {"diffusers": "diffusion_pytorch_model", "transformers": "model"}
SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.safetensors")
TOKENIZER = (
    "tokenizer_config.json",
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
)
LARGEST_JSON = 1 << 20  # bytes; larger ones (vocabularies) are looked at from both ends only


class PicklesOnly(BackendUnavailable):
    """A part of the model holds pickles and no safetensors file."""


class Part(NamedTuple):
    """A component: the folder's NAME, the library and class that model_index.json gives it."""

    name: str
    library: str
    cls: str


def parts_of(index: Mapping[str, Any]) -> list[Part]:
    return [
        Part(name, *value)
        for name, value in index.items()
        if isinstance(value, list) and _made(value)
    ]


def _made(value: list[Any]) -> bool:
    return len(value) == 2 and all(isinstance(part, str) for part in value)


def loaded(part: Part, names: Collection[str]) -> list[str]:
    """Those of the files NAMES of the part's folder that loading it reads."""
    if small := _small(part):
        return [name for name in small if name in names]
    single, index = _weights(part, names)
    # With both there, diffusers takes the index and transformers the single file.
    if index in names and not (single in names and part.library == "transformers"):
        stem = single.removesuffix(".safetensors")
        return [
            "config.json",
            index,
            *sorted(
                name for name in names if (found := SHARD.fullmatch(name)) and found[1] == stem
            ),
        ]
    return [name for name in ("config.json", single) if name in names]


def missing(part: Part, names: Collection[str]) -> list[str]:
    """Everything that loading the part needs and that is not among NAMES, in words."""
    if "Tokenizer" in part.cls:
        return _no_words(part, names)
    needed = _small(part) or ("config.json",)
    lacking = [f"{part.name}/{name} is missing" for name in needed if name not in names]
    return lacking if _small(part) else lacking + _no_weights(part, names)


def _no_weights(part: Part, names: Collection[str]) -> list[str]:
    single, index = _weights(part, names)
    if single in names or index in names:
        shards = {
            found[2]: int(found[3])
            for name in loaded(part, names)
            if (found := SHARD.fullmatch(name))
        }
        count, stem = max(shards.values(), default=0), index.partition(".")[0]
        numbers = [f"{k:05}" for k in range(1, count + 1)]
        return [
            f"{part.name}/{stem}-{number}-of-{count:05}.safetensors is missing"
            for number in numbers
            if number not in shards
        ]
    if any(
        (found := SHARD.fullmatch(name)) and f"{found[1]}.safetensors" == single for name in names
    ):
        return [
            f"{part.name}/{index} is missing, which tells what its parts"
            f" ({single.partition('.')[0]}-….safetensors) hold"
        ]
    if pickled_alone(part, names):
        return [f"{part.name}/ holds a pickle (.bin) and no safetensors file"]
    return [f"{part.name}/ holds no safetensors file of the name {single}"]


def pickled_alone(part: Part, names: Collection[str]) -> bool:
    """Whether the weights of the part are there as pickles alone."""
    return (
        not _small(part)
        and not any(name in names for name in _weights(part, names))
        and any(name.endswith((".bin", ".pt", ".ckpt")) for name in names)
    )


def _small(part: Part) -> tuple[str, ...]:
    """What a part without weights is made of; nothing for a network."""
    if "Tokenizer" in part.cls:
        return TOKENIZER
    if "Scheduler" in part.cls:
        return ("scheduler_config.json",)
    return (
        ("preprocessor_config.json",)
        if part.cls.endswith(("Processor", "FeatureExtractor"))
        else ()
    )


def _weights(part: Part, names: Collection[str]) -> tuple[str, str]:
    """The file of the part's weights and the index of its shards, as its library calls them; where
    that is a publisher's own, as those of NAMES are called."""
    stems = [STEM[part.library]] if part.library in STEM else [*STEM.values()]
    found = [(f"{stem}.safetensors", f"{stem}.safetensors.index.json") for stem in stems]
    return next((pair for pair in found if not set(pair).isdisjoint(names)), found[0])


def _no_words(part: Part, names: Collection[str]) -> list[str]:
    """Without its vocabulary a tokenizer loads all the same, and every word is unknown to it."""
    vocabulary = ("spiece.model",) if part.cls.startswith("T5") else ("vocab.json", "merges.txt")
    lacking = [name for name in vocabulary if name not in names]
    found = []
    if lacking and "tokenizer.json" not in names:
        found = [
            f"{part.name}/ lacks its vocabulary: {' and '.join(lacking)} (or tokenizer.json)"
            f" {'is' if len(lacking) == 1 else 'are'} missing"
        ]
    return found + [f"{part.name}/{TOKENIZER[0]} is missing"] * (TOKENIZER[0] not in names)
