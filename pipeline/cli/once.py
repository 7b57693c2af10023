"""``inbox3d once`` and ``inbox3d demo``: drop, wait, say where the result lies."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click

from layout import init as make
from layout import lifecycle
from layout.disk import LineFault
from layout.init import Unfit
from layout.tree import Atlas, Place, State
from pipeline.cli import FAILED, INTERRUPTED, REFUSED, atlas_option, fail
from pipeline.cli._atlas import located, opened, unfit
from pipeline.cli._own_fleet import OwnFleet
from pipeline.cli._serving import Serving
from pipeline.cli._waiting import Waiting
from pipeline.cli.hand_in import request_of, set_option
from pipeline.config import Settings
from pipeline.errors import PipelineError
from pipeline.progress import words
from pipeline.submission import job_view
from pipeline.text import plain

LOOK = 0.3  # seconds between two looks at the job
# columns of the words, at least, and of the bar beside them: together a terminal of 80
LABEL, BESIDE = 48, 32
LOST_AFTER = 20  # looks in which the job was nowhere


@click.command()
@click.argument("drop", type=click.Path(path_type=Path))
@atlas_option
@set_option
def once(drop: Path, atlas_path: str | None, pairs: tuple[str, ...]) -> int:
    """Drop one file or folder, wait, and print the path of the done (or failed) folder.

    Workers are started only where no live one serves the kind.
    Ctrl-C leaves the job where it is.

    \b
    Example:
      inbox3d once ~/scans/vase --atlas /mnt/atlas --set quality_tier=high --set
      output_format=glb,stl
    """
    if not drop.exists():
        fail(
            f"{drop} does not exist.",
            REFUSED,
            "Name a file or a folder with scan passes, a mesh, images or a prompt.",
        )
    atlas, settings = opened(atlas_path)
    place = deliver(atlas, settings, drop, pairs)
    return report(atlas, place)


@click.command()
@atlas_option
def demo(atlas_path: str | None) -> int:
    """Scan a virtual object, drop the passes in a tree, run the real thing, and compare the
    placement with the truth.

    \b
    Example:
      inbox3d demo --atlas ./demo-atlas
    """
    from pipeline.demo import demo

    atlas, settings = _made(atlas_path or "demo-atlas")

    def submit(folder: Path) -> Path:
        place = deliver(atlas, settings, folder, ())
        if place.state is not State.DONE:
            report(atlas, place)
            sys.exit(FAILED)
        return place.path

    return demo.run(atlas.root, submit)


def _made(atlas_path: str | None) -> tuple[Atlas, Settings]:
    """The demo's tree, created if absent: everybody else's is made by `inbox3d init` alone, so that
    an empty mount point is never taken for one."""
    root = located(atlas_path)
    if not make.exists(root):
        try:
            make.init(root)
        except (Unfit, OSError) as error:
            unfit(root, error)
        click.echo(f"Made a new tree at {root}", err=True)
    return opened(str(root))


def deliver(atlas: Atlas, settings: Settings, drop: Path, pairs: tuple[str, ...]) -> Place:
    """Submit DROP and follow the job to its end; ends the command where it cannot get there."""
    from pipeline.submission.preflight import check_this_host, completed, live_workers, served
    from pipeline.submission.submit import submit_path

    try:
        request = completed(atlas, settings, drop, request_of(pairs))
        alone = not served(request["kind"], live_workers(atlas, settings, wait=True))
        if alone:
            check_this_host(settings, drop, request)
        place = submit_path(atlas, drop, request)
    except LineFault:
        raise
    except PipelineError as error:
        fail(error.message, REFUSED, error.remedy)
        raise
    id = place.path.name
    click.echo(f"{drop.name} is job {id} ({request['kind']})", err=True)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    fleet = OwnFleet(atlas, settings)
    try:
        if alone:
            fleet.start("No worker is running")
        return follow(
            atlas,
            id,
            Waiting(
                atlas, Serving(atlas, settings), fleet, lambda: _lacks(settings, drop, request)
            ),
        )
    except KeyboardInterrupt:
        click.echo(
            f"\nInterrupted. The job stays: inbox3d show {id} --atlas {atlas.root}", err=True
        )
        sys.exit(INTERRUPTED)
    finally:
        fleet.end()


def _lacks(settings: Settings, drop: Path, request: dict[str, Any]) -> str:
    """In words, what this host lacks to take the job over."""
    from pipeline.submission.preflight import check_this_host

    try:
        check_this_host(settings, drop, request)
    except PipelineError as error:
        return error.message
    except OSError:  # the drop was taken away from where it lay; its copy is in the job
        pass
    return ""


def follow(atlas: Atlas, id: str, waiting: Waiting) -> Place:
    """Show a progress bar on stderr until job ID stands in done/ or failed/."""
    missed = 0
    with click.progressbar(
        length=1000, label="waiting", file=sys.stderr, show_eta=False, width=20
    ) as bar:
        while True:
            try:
                place = lifecycle.find(atlas, id)
                missed = missed + 1 if place is None else 0
                if place is not None and _ended(place):
                    bar.update(1000 - bar.pos)
                    return place
                if place is not None:
                    waiting.look(place)
                    _advance(atlas, place, bar, bool(waiting.still))
            except LineFault as fault:
                waiting.away(fault)
            if missed > LOST_AFTER:
                fail(f"job {id} is nowhere in the tree: somebody moved or deleted it.", FAILED)
            time.sleep(LOOK)


def _ended(place: Place) -> bool:
    return place.state in (State.DONE, State.FAILED) and "@" not in place.path.name


def _advance(atlas: Atlas, place: Place, bar: object, still: bool = False) -> None:
    """The bar and the words are what progress.json says, also where a start that repeats a leg
    begins lower than the one before.

    STILL: the process that should go on with it does not, so no time left is told.
    """
    progress = job_view.progress_of(atlas, place)
    waits = f"waiting in {place.state.value}/"
    label = "starting" if place.state is State.PROCESSING else waits
    if progress is not None:
        text = "" if still else words.left(progress.eta, progress.eta_error, progress.cold)
        label = "  ".join(part for part in (text, progress.message or progress.stage) if part)
        bar.pos = int(1000 * progress.fraction)  # type: ignore[attr-defined]
    if still:
        label = f"stands still: {label}"
    room = max(LABEL, shutil.get_terminal_size().columns - BESIDE)
    bar.label = f"{plain(label)[:room]:<{room}}"  # type: ignore[attr-defined]
    bar.render_progress()  # type: ignore[attr-defined]


def report(atlas: Atlas, place: Place) -> int:
    """Say how it ended; the folder's absolute path is the last line of stdout."""
    shown = job_view.show(atlas, place)
    if shown["error"]:
        click.echo(f"Failed: {shown['error']['message']}\n  → {shown['error']['remedy']}", err=True)
    for warning in (shown["job"] or {}).get("provenance", {}).get("warnings", []):
        click.echo(f"Note: {warning}", err=True)
    click.echo(str(place.path))
    return 0 if place.state is State.DONE else FAILED
