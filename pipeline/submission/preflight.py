"""Before a submission: is the request valid, and can a live worker do it? Found now, not after
minutes of work."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from layout import names
from layout.liveness import Life, Observer
from layout.signs import Heartbeat
from layout.tree import Atlas
from pipeline import blame, jobs, queues, recipes, weights
from pipeline.config import Settings
from pipeline.drops.at_hand import against_its_list, still_arriving
from pipeline.drops.kind import identify
from pipeline.errors import BackendUnavailable, InputRejected, SubmitRefused
from pipeline.jobs.presets import expanded
from pipeline.progress import needs
from pipeline.progress.likeness import Asked
from pipeline.submission import ability, capacity
from pipeline.submission.refusals import refuse_links, refuse_own, refuse_restored


def completed(
    atlas: Atlas, settings: Settings, drop: Path, request: Mapping[str, Any]
) -> dict[str, Any]:
    """REQUEST with the kind that DROP's content gives where none is named; SubmitRefused where it
    cannot be done."""
    refuse_restored(atlas)
    refuse_own(atlas, drop)
    refuse_links(drop)
    if drop.is_dir() and (refused := against_its_list(drop)):
        raise SubmitRefused(f"{drop.name} is {refused.reason}", remedy=_here(refused.remedy))
    if refused := still_arriving(drop):
        raise SubmitRefused(f"{drop.name} {refused.reason}", remedy=_here(refused.remedy))
    request = expanded(request, settings.presets)
    kind = request.get("kind") or kind_of(drop, request.get("reference"))
    full = {"kind": kind, **{key: value for key, value in request.items() if key != "kind"}}
    options = jobs.parse(full)
    workers = live_workers(atlas, settings)
    check_formats(options, workers)
    check_name(options, workers)
    check_backend(options, workers, ability.views_named(full) or _pictures(drop, options.kind))
    return full


def kind_of(drop: Path, reference: str | None = None) -> str:
    """The kind of a drop that lies on this host, REFERENCE among its files; SubmitRefused says why
    it is none."""
    refuse_links(drop)
    root, found = (drop.parent, [drop.name]) if drop.is_file() else (drop, plain_files(drop))
    if not found:
        raise SubmitRefused(
            f"{drop.name} holds no files.",
            remedy="Drop a folder with scan passes, a mesh, images or a prompt in it.",
        )
    try:
        return identify(root, found, reference=reference).kind
    except InputRejected as error:
        raise SubmitRefused(error.message, remedy=_here(error.remedy)) from None


def _here(remedy: str) -> str:
    """REMEDY for whoever submits and has nothing in the tree yet."""
    return f"{remedy.rstrip('.')}, then try again."


def plain_files(folder: Path) -> list[str]:
    """Names below FOLDER as a drop has them: ignored ones are left out."""
    below = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in below if not names.left_out(name))


def live_workers(
    atlas: Atlas,
    settings: Settings,
    wait: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Heartbeat]:
    """Workers known to live. On this host their locks say so at once; with WAIT, others are watched
    for one beat."""
    observer = Observer(atlas, settings.worker.beat, settings.worker.dead_looks, lambda: 0)
    observer.look()
    beats = [beat for beat in observer.last.values() if beat.role == "worker"]
    if wait and any(observer.life(beat.worker) is Life.UNKNOWN for beat in beats):
        sleep(settings.worker.beat * 1.2)
        observer.look()
    return [beat for beat in observer.live() if beat.role == "worker"]


def served(kind: str, workers: list[Heartbeat]) -> bool:
    """Does somebody serve every leg of KIND?"""
    queues = {queue for worker in workers for queue in worker.queues}
    recipe = recipes.RECIPES.get(kind)
    return recipe is not None and all(leg.queue in queues for leg in recipe.legs)


def check_this_host(settings: Settings, drop: Path, request: Mapping[str, Any]) -> None:
    """SubmitRefused where this host, which is to do the work, lacks a library or a backend that
    REQUEST needs."""
    kind = str(request["kind"])
    for leg in recipes.RECIPES[kind].legs if kind in recipes.RECIPES else ():
        if extra := queues.missing_extra(leg.queue):
            raise SubmitRefused(
                f"{kind}: no live worker serves {leg.queue}, and this host lacks the libraries"
                " for it.",
                remedy=(
                    f"Install them: pip install -c constraints.txt 'inbox3d[{extra}]'; or start"
                    " `inbox3d up` on a host that has them."
                ),
            )
    _check_scratch(settings.host.scratch)
    if kind == "prompt":
        _check_views(settings)
    _check_memory(settings, drop, request)
    named, able = str(request.get("backend", "auto")), weights.backends(settings.host.models)
    if named != "auto" and not ability.can_serve(
        named, ability.views_named(request) or _pictures(drop, kind), able
    ):
        trouble = weights.problem(settings.host.models, named) if named in weights.KNOWN else None
        raise SubmitRefused(
            f"backend: this host lacks what {named}"
            f" needs{f'; the model {trouble}' if trouble else ''}.",
            remedy=(
                f"Ask for auto or one of {', '.join(able)}; `inbox3d models list` tells what is"
                " missing, `models pull` brings it."
            ),
        )


def _check_scratch(folder: Path) -> None:
    """HostFault where nothing can be made in this host's scratch."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise blame.full(folder, error) from error


def _check_memory(settings: Settings, drop: Path, request: Mapping[str, Any]) -> None:
    """SubmitRefused where an engine of this host, or its GPU, has not the memory that REQUEST needs
    at the least."""
    from pipeline.gpu.device import largest_card, memory_limit

    found = [drop] if drop.is_file() else [drop / name for name in plain_files(drop)]
    options = tuple((key, value) for key, value in request.items() if key != "kind")
    bytes_ = sum(path.stat().st_size for path in found)
    asked = Asked(str(request["kind"]), bytes_, len(found), options, frozenset())
    need = needs.ENGINE + needs.declared(recipes.stages(asked.kind), asked)
    if need > (limit := memory_limit(settings.worker.memory_gb)):
        raise SubmitRefused(
            f"{drop.name} needs about {capacity.gib(need)} of memory, and this host's engine may"
            f" use {capacity.gib(limit)}.",
            remedy="Raise [worker] memory_gb, drop less at once, or use a larger host.",
        )
    on_gpu, card = needs.on_gpu(recipes.stages(asked.kind), asked), largest_card()
    if card is not None and on_gpu > card:
        raise SubmitRefused(
            f"{drop.name} needs about {capacity.gib(on_gpu)} of a GPU's memory, and this host's"
            f" largest GPU has {capacity.gib(card)}.",
            remedy="Ask for backend=auto, which takes what fits, or use a host with a larger GPU.",
        )


def _check_views(settings: Settings) -> None:
    """SubmitRefused where the settings or weights that this host would make views with cannot be
    used."""
    from pipeline.backends import generators
    from pipeline.gpu.device import largest_card

    try:
        generators.chosen(settings.host.models, card=largest_card())
    except BackendUnavailable as error:
        raise SubmitRefused(f"prompt: {error.message}", remedy=error.remedy) from None


def check_formats(options: jobs.Common, workers: list[Heartbeat]) -> None:
    """SubmitRefused where live workers export, but none of them can write a format that is asked
    for."""
    exporting = [worker for worker in workers if "finish" in worker.queues]
    for name in options.output_format if exporting else ():
        if not any(name in worker.formats for worker in exporting):
            able = sorted({able for worker in exporting for able in worker.formats})
            raise SubmitRefused(
                f"output_format: no worker can write {name} at present.",
                remedy=(
                    f"Ask for one of {', '.join(able)}, or install what {name} needs (inbox3d"
                    " doctor)."
                ),
            )


def _pictures(drop: Path, kind: str) -> int | None:
    """How many views a drop of images holds; None where that is not known before it is accepted."""
    if kind != "images":
        return None
    root, found = (drop.parent, [drop.name]) if drop.is_file() else (drop, plain_files(drop))
    try:
        return len(identify(root, found).used) or None
    except InputRejected:
        return None


def _backend(options: jobs.Common) -> str:
    """The backend that is asked for; a scan and a mesh need none."""
    if isinstance(options, jobs.ImagesOptions | jobs.PromptOptions):
        return options.backend
    return "auto"


def check_name(options: jobs.Common, workers: list[Heartbeat]) -> None:
    """SubmitRefused where a backend is named that is neither our own, nor a plug-in's here, nor one
    of a live worker."""
    named, known = _backend(options), ("auto", *weights.known_backends())
    if named not in known and not any(named in worker.backends for worker in workers):
        added = {able for worker in workers for able in worker.backends} - set(known)
        raise SubmitRefused(
            f"backend: there is no backend {named!r}.",
            remedy=f"Ask for auto or one of {', '.join([*known[1:], *sorted(added)])}.",
        )


def check_backend(options: jobs.Common, workers: list[Heartbeat], views: int | None = None) -> None:
    """SubmitRefused where a backend is named that no live worker of its queue has, or has for so
    few VIEWS."""
    named, making = (
        _backend(options),
        [worker for worker in workers if "mesh" in worker.queues],
    )
    if (
        named == "auto"
        or not making
        or any(ability.can_serve(named, views, worker.backends) for worker in making)
    ):
        return
    able = sorted({able for worker in making for able in worker.backends})
    few = f" for {views} view{'s' * (views != 1)}" if views and named in able else ""
    why = ability.why_not(named, making)
    raise SubmitRefused(
        f"backend: no worker has {named}{few} at present{f' ({why})' if why else ''}.",
        remedy=(
            f"Ask for auto or one of {', '.join(able)}; `inbox3d models list` tells what is"
            " missing, `inbox3d models pull` brings it."
        ),
    )
