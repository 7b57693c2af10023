"""``inbox3d models``: the local folder with model weights."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import FAILED


@click.group()
def models() -> None:
    """List, fetch, import and check model weights. They are a cache: losing them loses nothing.

    \b
    Example:
      inbox3d models list
    """


def _folder() -> Path:
    from pipeline import config

    return config.load().host.models


@models.command("list")
def list_models() -> None:
    """Say which models are known, which are here, and what is wrong with them; then the backends that plug-ins add.

    \b
    Example:
      inbox3d models list
    """
    from importlib.metadata import entry_points

    from pipeline import models as store
    from pipeline.backends import GROUP

    click.echo(f"Models folder: {_folder()}", err=True)
    for row in store.listing(_folder()):
        state = "here" if row.present and row.problem is None else row.problem if row.present else "not here"
        click.echo(f"{row.name:<24} {row.licence:<14} {state}")
    for entry in entry_points(group=GROUP):
        click.echo(
            f"{entry.name:<24} {entry.dist.name if entry.dist else entry.module} {entry.dist.version if entry.dist else ''}, a plug-in"
        )


@models.command()
@click.argument("name")
def pull(name: str) -> None:
    """Fetch the published model NAME; needs the internet.

    \b
    Example:
      inbox3d models pull triposr
    """
    from pipeline import models as store

    click.echo(str(store.pull(name, _folder())))


@models.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--name", help="The model's name, where the file's does not tell.")
def import_model(path: Path, name: str | None) -> None:
    """Put the checkpoint or folder PATH into the models folder, as safetensors. Works without internet; PATH stays where it is.

    \b
    Example:
      inbox3d models import model.ckpt --name triposr
    """
    from pipeline import models as store

    click.echo(str(store.import_model(path, _folder(), name)))


@models.command()
def verify() -> int:
    """Compute every checksum and compare every tensor's size. Exit code 1 when something is wrong.

    \b
    Example:
      inbox3d models verify
    """
    from pipeline import models as store

    rows = store.verify(_folder())
    for row in rows:
        click.echo(f"{row.name:<24} {row.problem or 'right'}")
    if not rows:
        click.echo(f"There are no models in {_folder()}.", err=True)
    return FAILED if any(row.problem for row in rows) else 0
