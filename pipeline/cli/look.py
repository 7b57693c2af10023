"""Commands that only look: jobs, show, doctor."""

from __future__ import annotations

from typing import Any

import click

from layout import lifecycle, tree
from layout.manifest import ACTS
from layout.tree import State
from pipeline.cli import FAILED, REFUSED, atlas_option, fail
from pipeline.text import plain


@click.command()
@atlas_option
@click.option(
    "--state", type=click.Choice([state.value for state in State]), help="Only jobs in this folder."
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def jobs(atlas_path: str | None, state: str | None, as_json: bool) -> None:
    """List jobs by state.

    \b
    Example:
      inbox3d jobs --state failed
    """
    from pipeline.cli._atlas import opened
    from pipeline.submission import job_view

    atlas, _ = opened(atlas_path, writes=False)
    places = [place for place in job_view.all_jobs(atlas) if state in (None, place.state.value)]
    if as_json:
        click.echo(job_view.to_json([job_view.show(atlas, place) for place in places]))
        return
    for place in places:
        shown = job_view.show(atlas, place)
        kind = (shown["job"] or {}).get("kind") or "–"
        extra = (
            shown["error"]["message"]
            if shown["error"]
            else _progress(shown["progress"])
            if shown["progress"]
            else ""
        )
        extra = extra if shown["job"] else "its job.json is missing, damaged, or of a newer inbox3d"
        click.echo(plain(f"{place.state.value:<10} {kind:<8} {place.id}  {extra}".rstrip()))
    if not places:
        click.echo("No jobs.", err=True)


def _progress(shown: dict[str, Any]) -> str:
    """The one line of PROGRESS.txt."""
    from layout.signs import Progress
    from pipeline.progress import words

    return words.line(Progress.model_validate(shown))


@click.command()
@click.argument("id")
@atlas_option
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="For machines: job_id, state, path, job, progress, error.",
)
def show(id: str, atlas_path: str | None, as_json: bool) -> None:
    """Show job ID: where it stands, what was asked, how far it is, why it failed, where its results
    lie.

    \b
    Example:
      inbox3d show vase-7k3f9q2mxa --json
    """
    from pipeline.cli._atlas import opened
    from pipeline.submission import job_view

    atlas, _ = opened(atlas_path, writes=False)
    place = lifecycle.find(atlas, id)
    if place is None:
        fail(f"there is no job {id!r} in this tree.", REFUSED, "`inbox3d jobs` lists all.")
        return
    shown = job_view.show(atlas, place)
    if as_json:
        click.echo(job_view.to_json(shown))
        return
    click.echo(f"{place.id}\n  state     {place.state.value}\n  folder    {place.path}")
    job = shown["job"] or {}
    if job:
        click.echo(f"  kind      {job['kind'] or '–'}")
        click.echo(
            plain(
                f"  from      {job['source']['name']} ({job['source']['origin']},"
                f" {job['source']['at']})"
            )
        )
        click.echo(f"  starts    {len(job['starts'])}")
    if shown["progress"]:
        click.echo(plain(f"  progress  {_progress(shown['progress'])}"))
    for name in job_view.results(atlas, place):
        click.echo(plain(f"  result    {name}"))
    if shown["error"]:
        click.echo(plain(f"  error     {shown['error']['message']}"))
        click.echo(plain(f"  remedy    {shown['error']['remedy']}"))
        click.echo(f"  by        {ACTS[shown['error']['who']]}")
        if shown["error"]["who"] == "pipeline":
            click.echo(f"  log       {place.path / tree.LOG}")
        click.echo(f"  again     inbox3d retry {place.id}")


@click.command()
@atlas_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option(
    "--as", "user", metavar="USER", help="As root: try what this account may do in the tree."
)
def doctor(atlas_path: str | None, as_json: bool, user: str | None) -> int:
    """Check this host and the mount, and say what is missing and how to get it. Exit code 1 when
    something must be done.

    \b
    Example:
      inbox3d doctor --atlas /mnt/atlas
    """
    import os

    from pipeline import config
    from pipeline.cli import doctor as checks
    from pipeline.cli._atlas import VARIABLE, located
    from pipeline.submission import job_view

    root = (
        located(atlas_path)
        if atlas_path or os.environ.get(VARIABLE) or config.load().host.atlas
        else None
    )
    findings = checks.examine(root, user)
    if as_json:
        click.echo(job_view.to_json([finding._asdict() for finding in findings]))
    else:
        for finding in findings:
            click.echo(
                f"{finding.mark} {finding.what}: {finding.detail}"
                + (f"\n    → {finding.remedy}" if finding.remedy else "")
            )
    return FAILED if any(finding.level == "wrong" for finding in findings) else 0
