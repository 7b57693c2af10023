"""The stages of one leg, in order: what is kept and still belongs to this job is passed over, the
rest is made and kept."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pipeline import blame, jobs, recipes
from pipeline.artefacts import Artefact
from pipeline.errors import BackendUnavailable, PipelineError
from pipeline.kept import declared, keys, store
from pipeline.kept.store import Kept
from pipeline.kept.versions import versions
from pipeline.queues import QUEUES
from pipeline.workspace import StageWorkspace

TRIES = 3  # of a stage whose weights are exchanged while it runs

Say = Callable[..., None]
OptionsT = TypeVar("OptionsT")


def run(order: dict[str, Any], say: Say) -> None:
    """Run the leg of ORDER (gpu/engine.py) in its workspace; SAY tells the worker how it goes.

    The bag holds nothing of the stages before that was made from anything else: the worker saw to
    it. A stage whose key differs, or for which this host has other weights, is made again, and with
    it whatever takes its artefact.
    """
    root, options = Path(order["root"]), jobs.parse(order["request"])
    found = {one.stage: one for one in store.load(root)}
    kept = [found[stage] for stage in ("", *order["before"]) if stage in found]
    packages = versions()
    for position, stage in enumerate(order["leg"], len(order["before"]) + 1):
        ws = _workspace(order, say, declared.options_for(stage, options), store.warnings(kept))
        bagged = [one.artefact for one in kept]
        key, weights = keys.of_stage(stage, options, keys.tokens(kept)), _weights(stage, bagged, ws)
        old = found.get(stage)
        if old is None or old.key != key or (weights and old.weights != weights):
            store.drop(root, stage)
            old = _made_with(weights, stage, bagged, ws, say, {"key": key, "packages": packages})
            if blame.is_full(root):  # what a library wrote last may be cut off without a word
                raise blame.full(root)
            store.save(root, position, old)
        kept.append(old)
    say(done=True)


def preload(queues: Sequence[str]) -> None:
    """Import the stages of the QUEUES whose legs are forked, so that each fork has them; a library
    that is missing is named when the stage is asked for."""
    legs = [leg for recipe in recipes.RECIPES.values() for leg in recipe.legs]
    for leg in legs:
        if leg.queue in queues and not QUEUES[leg.queue].hot:
            for stage in leg.stages:
                with contextlib.suppress(ImportError, OSError):
                    recipes.stage_function(stage)


def _made_with(
    weights: dict[str, str],
    stage: str,
    bagged: Sequence[Artefact],
    ws: StageWorkspace[Any],
    say: Say,
    facts: dict[str, Any],
) -> Kept:
    """What STAGE makes with WEIGHTS. Where they were exchanged meanwhile nobody knows which were
    loaded: it is made again with the new ones. What was taken away was loaded before."""
    for _ in range(TRIES):
        made = _made(stage, bagged, ws, say, {**facts, "weights": weights})
        now = _weights(stage, bagged, ws)
        if not now or now == weights:
            return made
        weights = now
        ws.said.clear()
    raise BackendUnavailable(
        f"The weights that {stage} uses were exchanged again and again while it ran.",
        remedy="Finish copying them; then start inbox3d up on this host again.",
    )


def _made(
    stage: str, bagged: Sequence[Artefact], ws: StageWorkspace[Any], say: Say, facts: dict[str, Any]
) -> Kept:
    say(stage=stage)
    began, before = time.monotonic(), store.outputs(ws.root)
    artefact = recipes.call(recipes.stage_function(stage), bagged, ws)
    written = [name for name, stamp in store.outputs(ws.root).items() if before.get(name) != stamp]
    seconds = round(time.monotonic() - began, 3)
    say(ended=[stage, seconds, _peak()])
    said = {"warnings": tuple(ws.said), "fetched": ws.fetched, "version": keys.version_of(stage)}
    return Kept.of(ws.root, stage, artefact, outputs=written, seconds=seconds, **said, **facts)


def _peak() -> int:
    """Peak of this process's resident memory in bytes, since its last leg began."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def forget_peak() -> None:
    """What jobs before needed says nothing of the next, where one process serves them all."""
    with contextlib.suppress(OSError):  # an older kernel
        Path("/proc/self/clear_refs").write_text("5")


def _weights(stage: str, bagged: Sequence[Artefact], ws: StageWorkspace[Any]) -> dict[str, str]:
    """The weights that this host would use for STAGE; none where it has none, and then it does not
    judge what another host used."""
    if stage not in declared.STAGES or not declared.STAGES[stage].weights:
        return {}
    try:
        found: dict[str, str] = recipes.call(recipes.stage_function(stage, "weights"), bagged, ws)
        return found
    except PipelineError:  # the stage itself says what is missing
        return {}


def _workspace(
    order: dict[str, Any], say: Say, options: OptionsT, warnings: list[str]
) -> StageWorkspace[OptionsT]:
    return StageWorkspace(
        Path(order["root"]),
        Path(order["input"]),
        Path(order["models"]) if order.get("models") else None,
        options=options,
        say=lambda fraction, message: say(progress=[round(fraction, 4), message]),
        warnings=warnings,
        assist=tuple(order["assist"]) if order.get("assist") else None,
        lan=tuple(order.get("lan", ())),
        deadline=order.get("deadline"),
        memory=order.get("memory"),
    )
