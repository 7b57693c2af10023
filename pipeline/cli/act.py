"""Commands that change something: retry, cancel, rm, restore, gc, halt, resume."""

from __future__ import annotations

import click

from layout import lifecycle, names
from layout.lifecycle import Gone, Occupied
from layout.tree import State
from pipeline.cli import FAILED, REFUSED, atlas_option, fail
from pipeline.cli._atlas import opened, sought
from pipeline.submission import job_view


@click.command()
@click.argument("id")
@atlas_option
def retry(id: str, atlas_path: str | None) -> None:
    """Run failed job ID again; a done job becomes a new job with a copy of its input.

    \b
    Example:
      inbox3d retry vase-7k3f9q2mxa
    """
    from pipeline.submission.submit import submit_again

    atlas, _ = opened(atlas_path)
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


@click.command()
@click.argument("id")
@atlas_option
def cancel(id: str, atlas_path: str | None) -> None:
    """Stop job ID, waiting or running; it goes to failed/ with its input.

    \b
    Example:
      inbox3d cancel vase-7k3f9q2mxa
    """
    atlas, _ = opened(atlas_path)
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


@click.command()
@click.argument("id")
@atlas_option
def rm(id: str, atlas_path: str | None) -> None:
    """Move done or failed job ID to the trash, input and results; it stays there 30 days.

    \b
    Example:
      inbox3d rm vase-7k3f9q2mxa
    """
    atlas, _ = opened(atlas_path)
    place = sought(atlas, id)
    if place.state not in (State.DONE, State.FAILED):
        fail(f"{id} is in {place.state.value}/.", REFUSED, f"Cancel it first: inbox3d cancel {id}")
    click.echo(f"moved to {lifecycle.delete(atlas, place).relative_to(atlas.root)}", err=True)


@click.command()
@click.argument("id")
@atlas_option
def restore(id: str, atlas_path: str | None) -> None:
    """Bring deleted job ID back: to failed/ where it had failed, else to done/.

    \b
    Example:
      inbox3d restore vase-7k3f9q2mxa
    """
    atlas, _ = opened(atlas_path)
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

    atlas, settings = opened(atlas_path)
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


@click.command()
@atlas_option
def halt(atlas_path: str | None) -> None:
    """Stop claiming and starting on all hosts; running jobs end normally.

    \b
    Example:
      inbox3d halt
    """
    atlas, _ = opened(atlas_path)
    if not atlas.halted():
        # a folder of that name is a person's
        name = "HALT.txt" if atlas.disk.seen(atlas.root / "HALT") else "HALT"
        words = (
            b"Nothing is claimed or started while this file exists. Take it away, or run: inbox3d"
            b" resume\n"
        )
        atlas.disk.write_new(atlas.root / name, words)
    click.echo("Halted. `inbox3d resume` goes on.", err=True)


@click.command()
@atlas_option
def resume(atlas_path: str | None) -> None:
    """Take every HALT file away.

    \b
    Example:
      inbox3d resume
    """
    atlas, _ = opened(atlas_path)
    for folder in (atlas.root, atlas.inbox):
        for entry in atlas.disk.scandir(folder):
            if names.is_halt(entry.name) and not entry.is_dir:
                atlas.disk.unlink(folder / entry.name)
    click.echo("Going on.", err=True)
