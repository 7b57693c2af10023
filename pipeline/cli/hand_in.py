"""The command submit, and the request that options of a command line make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from layout.tree import Atlas, Place
from pipeline.cli import atlas_option
from pipeline.cli._atlas import opened
from pipeline.cli._serving import Serving
from pipeline.config import Settings

set_option = click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="OPTION=VALUE",
    help="An option of the job; may be repeated. preset=NAME takes those of [presets.NAME].",
)


def request_of(pairs: tuple[str, ...]) -> dict[str, Any]:
    """--set option=value pairs as a flat request; values are JSON where they parse as such, else
    text."""
    request: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{pair!r} is not OPTION=VALUE", param_hint="--set")
        try:
            request[key.strip()] = json.loads(text)
        except ValueError:
            request[key.strip()] = text
    return request


@click.command()
@click.argument("drop", type=click.Path(exists=True, path_type=Path))
@atlas_option
@set_option
def submit(drop: Path, atlas_path: str | None, pairs: tuple[str, ...]) -> None:
    """Copy DROP into inbox/ as a sealed job and print its id.

    \b
    Example:
      inbox3d submit ~/scans/vase --set quality_tier=high
    """
    from pipeline.submission.ability import lacking, passed_over, slow
    from pipeline.submission.preflight import completed, live_workers
    from pipeline.submission.submit import submit_path

    atlas, settings = opened(atlas_path)
    request = completed(atlas, settings, drop, request_of(pairs))
    place = submit_path(atlas, drop, request)
    click.echo(place.path.name)
    workers = live_workers(atlas, settings)
    if without := passed_over(request, workers):
        click.echo(f"It is made without what is broken {without}", err=True)
    # an intake and a worker may have been faster: then it is not found where it was put
    if why := waits_for(atlas, settings, place) or lacking(request["kind"], "views", workers):
        click.echo(f"It waits: {why}", err=True)
    if why := slow(request, workers):
        click.echo(f"It may wait for {why}.", err=True)


def waits_for(atlas: Atlas, settings: Settings, place: Place) -> str:
    """In words, why nobody works on the job that was just submitted; "" where somebody may."""
    if halt := atlas.halted():
        return f"the line is halted by {halt}, until `inbox3d resume --atlas {atlas.root}`"
    serving = Serving(atlas, settings, grace=0.0)
    lacking = "; ".join(filter(None, (serving.standing(place), serving.lacking(place))))
    if serving.too_large:  # it says itself which host it waits for
        return lacking
    return f"{lacking}, until a host runs `inbox3d up --atlas {atlas.root}`" if lacking else ""
