"""Presets: options that the operator gave a name in inbox3d.toml, chosen by ``preset = "print"``.
They are written out where a job is asked for; what the request says itself outranks them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pipeline.errors import SubmitRefused

Presets = Mapping[str, Mapping[str, Any]]
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
NONE: Presets = MappingProxyType({})
# what belongs to one job and to no name for many
OF_ONE_JOB = ("preset", "prompt", "image_urls", "image_paths", "webhook_url")


def expanded(request: Mapping[str, Any], presets: Presets) -> dict[str, Any]:
    """REQUEST with what its preset sets and it does not; SubmitRefused where there is none of that
    name."""
    name = request.get("preset")
    if name is None:
        return dict(request)
    if not isinstance(name, str) or name not in presets:
        known = f"there are {', '.join(sorted(presets))}" if presets else "there are none"
        raise SubmitRefused(
            f"preset: there is no preset {name!r} here; {known}."[:400],
            remedy="Choose one of them, or leave preset out." if presets else "Leave preset out.",
        )
    return {**presets[name], **request}


def refusal(presets: Presets) -> str | None:
    """What is wrong with PRESETS as settings, in words; None where each makes a job of its kind,
    or, without one, of some kind."""
    from pipeline.jobs import OPTIONS, parse

    for name, options in presets.items():
        if not NAME.fullmatch(name):
            return f"{name}: a preset's name is lower-case letters, digits, - and _"
        if of_one := [key for key in OF_ONE_JOB if key in options]:
            return f"{name}: {of_one[0]} belongs to one job, not to a preset"
        said = []
        for kind in [options["kind"]] if "kind" in options else OPTIONS:
            try:
                parse({**options, "kind": kind})
            except SubmitRefused as refused:
                said.append(refused.message)
            else:
                break
        else:
            return f"{name}: {said[0]}"
    return None
