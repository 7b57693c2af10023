"""The edges at the door: a drop or a job in inbox/ is claimed behind a dot (b), revealed when it is
accepted, or refused (r)."""

from __future__ import annotations

from pathlib import Path

from layout import names, tree
from layout.edges import REFUSED
from layout.manifest import ErrorFile, JobFile, write_job
from layout.mend import discard_empty, keep_error, set_aside, write_error
from layout.move import Gone, WrongState, holding, land, move
from layout.tree import Atlas, Place


def claim_drop(atlas: Atlas, name: str, queue: str, id: str | None = None) -> Place:
    """b for a raw drop: it keeps its own name below input/ of a hidden shell. ``queue`` is REFUSED
    for one that is refused."""
    plain = names.without_go(name)
    disk, shell = (
        atlas.disk,
        atlas.at_claimed(id or names.new_id(Path(plain).stem), queue, 0, hidden=True),
    )
    inside = shell.path / tree.INPUT
    with holding(atlas, shell):
        disk.mkdir(shell.path)
    try:
        with holding(atlas, shell):
            disk.mkdir(inside)
        move(atlas, atlas.inbox / name, inside / plain)
    except (Gone, OSError):
        discard_empty(atlas, shell)
        raise
    return shell


def claim_job(atlas: Atlas, name: str, queue: str, id: str, n: int) -> Place:
    """b for a job folder that stands in inbox/ (sealed, or dragged back): its name becomes the
    hidden shell's."""
    shell = atlas.at_claimed(id, queue, n, hidden=True)
    move(atlas, atlas.inbox / name, shell.path)
    return shell


def reveal(atlas: Atlas, shell: Place, n: int | None = None) -> Place:
    """b, its end: the dot goes, the job waits for its queue, under N where that is not the
    shell's."""
    if not shell.hidden or shell.queue == REFUSED:
        raise WrongState(f"{shell.path.name} is not a shell that is being accepted")
    place = atlas.at_claimed(shell.id, str(shell.queue), shell.n if n is None else n)
    move(atlas, shell.path, place.path)
    return place


def refuse(atlas: Atlas, shell: Place, job: JobFile, error: ErrorFile) -> Place:
    """r: job.json (kind null), error.txt and error.json are written, then the shell goes to
    failed/."""
    if not shell.hidden:
        raise WrongState(f"{shell.path.name} was accepted already")
    # its own name first, so that nobody who still accepts it can drop the dot
    if shell.queue != REFUSED:
        refused = atlas.at_claimed(shell.id, REFUSED, shell.n, hidden=True)
        move(atlas, shell.path, refused.path)
        shell = refused
    with holding(atlas, shell):
        keep_error(atlas, shell.path, shell.n)
        set_aside(
            atlas,
            shell.path,
            shell.n,
            [name for name in tree.OF_ONE_RUN if name not in (tree.ERROR, tree.ERROR_TEXT)],
        )
        atlas.disk.sync_around(shell.path)  # failed/ keeps what was dropped, as done/ does
        write_job(atlas.disk, shell.path, job.model_copy(update={"kind": None}))
        write_error(atlas, shell.path, error, job)
    return land(atlas, shell, atlas.at_failed(shell.id))
