"""Commands that change something: retry, cancel, rm, restore, gc, halt, resume."""

from __future__ import annotations

import functools
from collections.abc import Callable

import click

from layout import lifecycle, names
from layout.lifecycle import Gone, Occupied
from layout.tree import Atlas, State
from pipeline.cli import FAILED, REFUSED, atlas_option, fail
from pipeline.cli._atlas import opened, sought
from pipeline.submission import job_view


def of_the_tree(act: Callable[[Atlas], None]) -> click.Command:
    """The command that ACTs on the tree that --atlas names."""

    @functools.wraps(act)
    def command(atlas_path: str | None) -> None:
        act(opened(atlas_path)[0])

    return click.command()(atlas_option(command))


def of_one_job(act: Callable[[Atlas, str], None]) -> click.Command:
    """The command that ACTs on the job of that ID."""

    @functools.wraps(act)
    def command(id: str, atlas_path: str | None) -> None:
        act(opened(atlas_path)[0], id)

    return click.command()(click.argument("id")(atlas_option(command)))


@of_one_job
def retry(atlas: Atlas, id: str) -> None:
    """Run failed job ID again; a done job becomes a new job with a copy of its input.

    \b
    Example:
      inbox3d retry vase-7k3f9q2mxa
    """
    from pipeline.submission.submit import submit_again

    place = sought(atlas, id)
    if place.state is State.FAILED:
        click.echo(lifecycle.retry(atlas, place).path.name)
    elif place.state is State.DONE and (job := job_view.job_at(atlas, place)):
        click.echo(submit_again(atlas, place, job).path.name)
    else:
        fail(
            f"{id} is in {place.state.value}/.",
            REFUSED,
            "Only a failed or a done job can be run again.",
        )


@of_one_job
def cancel(atlas: Atlas, id: str) -> None:
    """Stop job ID, waiting or running; it goes to failed/ with its input.

    \b
    Example:
      inbox3d cancel vase-7k3f9q2mxa
    """
    for _ in range(5):  # it may be on the move
        place = sought(atlas, id)
        if place.state in (State.DONE, State.FAILED):
            fail(f"{id} has ended already: it is in {place.state.value}/.", REFUSED)
        try:
            lifecycle.tidy(atlas, lifecycle.cancel(atlas, place))
        except (Gone, Occupied):
            continue
        click.echo(f"{id} is cancelled; it is in {State.FAILED.value}/.", err=True)
        return
    fail(f"{id} keeps moving.", FAILED, "Try again in a moment.")


@of_one_job
def rm(atlas: Atlas, id: str) -> None:
    """Move done or failed job ID to the trash, input and results; it stays there 30 days.

    \b
    Example:
      inbox3d rm vase-7k3f9q2mxa
    """
    place = sought(atlas, id)
    if place.state not in (State.DONE, State.FAILED):
        fail(f"{id} is in {place.state.value}/.", REFUSED, f"Cancel it first: inbox3d cancel {id}")
    click.echo(f"moved to {lifecycle.delete(atlas, place).relative_to(atlas.root)}", err=True)


@of_one_job
def restore(atlas: Atlas, id: str) -> None:
    """Bring deleted job ID back: to failed/ where it had failed, else to done/.

    \b
    Example:
      inbox3d restore vase-7k3f9q2mxa
    """
    found = [folder for _, trashed, folder in lifecycle.trashed(atlas) if trashed == id]
    if not found:
        fail(f"There is no deleted job {id}.", REFUSED, "ls .pipeline/trash on Atlas shows them.")
    try:
        place = lifecycle.restore(atlas, found[0])
    except (Gone, Occupied):
        fail(f"{id} is on the move, or stands in the tree.", REFUSED, f"inbox3d show {id}")
    click.echo(f"{id} is back in {place.state.value}/.", err=True)


@click.command()
@atlas_option
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def gc(atlas_path: str | None, dry_run: bool) -> None:
    """Empty what is due: trash on Atlas, and scratch on this host whose job has ended.

    \b
    Example:
      inbox3d gc --dry-run
    """
    from layout.attention import Attention
    from pipeline.blame import size
    from pipeline.watchers.cleanup import due, remove
    from pipeline.watchers.room import used_by as used

    atlas, settings = opened(atlas_path, writes=not dry_run)
    found, attention = due(atlas, settings), Attention(atlas)
    freed = 0
    for item in found:
        held = used(item.path) or item.path.lstat().st_blocks * 512
        freed += held
        click.echo(f"{item.path}  {item.why}, {size(held)}")
        if not dry_run:
            with attention.over(item.path):
                remove(atlas, item)
    kept = attention.lines()
    ending = "would go" if dry_run else "gone"
    click.echo(f"{len(found) - len(kept)} {ending}, {size(freed)} ({freed} bytes)", err=True)
    if kept:
        fail("; ".join(kept), FAILED, "Then run it again.")


@of_the_tree
def halt(atlas: Atlas) -> None:
    """Stop claiming and starting on all hosts; running jobs end normally.

    \b
    Example:
      inbox3d halt
    """
    if not atlas.halted():
        # a folder of that name is a person's
        name = "HALT.txt" if atlas.disk.seen(atlas.root / "HALT") else "HALT"
        words = (
            b"Nothing is claimed or started while this file exists. Take it away, or run: inbox3d"
            b" resume\n"
        )
        atlas.disk.write_new(atlas.root / name, words)
    click.echo("Halted. `inbox3d resume` goes on.", err=True)


@of_the_tree
def resume(atlas: Atlas) -> None:
    """Take every HALT file away.

    \b
    Example:
      inbox3d resume
    """
    for folder in (atlas.root, atlas.inbox):
        for entry in atlas.disk.scandir(folder):
            if names.is_halt(entry.name) and not entry.is_dir:
                atlas.disk.unlink(folder / entry.name)
    click.echo("Going on.", err=True)
