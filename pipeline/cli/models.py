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


def _say(words: str) -> None:
    click.echo(f"  {words}", err=True)


def _each(name: str, k: int, count: int) -> None:
    _say(f"{name}, {k} of {count}")


@models.command("list")
def list_models() -> int:
    """Say which models are known, which are here and whole, and what is wrong with them; then the
    backends that plug-ins add.

    Headers, sizes and small files are read; `verify` reads all. Exit code 1 when something that is
    here cannot be used.

    \b
    Example:
      inbox3d models list
    """
    from importlib.metadata import entry_points

    from pipeline import weights as store
    from pipeline.backends import GROUP

    click.echo(f"Models folder: {_folder()}", err=True)
    rows = store.listing(_folder())
    for row in rows:
        weight = store.KNOWN[row.name].gigabytes if row.name in store.KNOWN else None
        away = f"not here ({weight:g} GB to fetch)" if weight else "not here"
        state = (row.problem or "here") if row.present else away
        click.echo(f"{row.name:<24} {row.licence:<14} {state}{f'; {row.note}' if row.note else ''}")
    for entry in entry_points(group=GROUP):
        click.echo(
            f"{entry.name:<24} {entry.dist.name if entry.dist else entry.module}"
            f" {entry.dist.version if entry.dist else ''}, a plug-in"
        )
    return FAILED if any(row.present and row.problem for row in rows) else 0


@models.command()
@click.argument("name")
@click.option(
    "--revision",
    help="Another commit, branch or tag of the model's repository than the one that was looked at.",
)
@click.option(
    "--token",
    help=(
        "Says who accepted a licence; better in $HF_TOKEN, where other users of this host cannot"
        " see it."
    ),
)
def pull(name: str, revision: str | None, token: str | None) -> None:
    """Fetch the published model NAME; needs the internet. Interrupted, the next pull goes on.
    $HF_ENDPOINT names a mirror.

    \b
    Example:
      inbox3d models pull triposr
    """
    from pipeline import weights as store

    click.echo(str(store.pull(name, _folder(), revision, token, _say)))


@models.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--name",
    help="The model's name, where the file's or folder's does not tell; matting for an .onnx file.",
)
def import_model(path: Path, name: str | None) -> None:
    """Put PATH into the models folder, as safetensors. Works without internet; PATH stays where it
    is.

    PATH is a checkpoint, a diffusers folder, a hub cache or a snapshot in it, or a model's folder
    from another host.

    \b
    Example:
      inbox3d models import model.ckpt --name triposr
      inbox3d models import ~/.cache/huggingface/hub --name flux-schnell
    """
    from pipeline import weights as store

    click.echo(str(store.import_model(path, _folder(), name, each=_each)))


@models.command()
def verify() -> int:
    """Compute every checksum and compare it with the one recorded when the file came; compare every
    tensor's size.

    Names each file that differs, is missing or is extra. Exit code 1 when there is one.

    \b
    Example:
      inbox3d models verify
    """
    from pipeline import weights as store

    rows = store.verify(_folder(), _each)
    for row in rows:
        click.echo(f"{row.name:<24} {row.problem or 'right'}{f' ({row.note})' if row.note else ''}")
    if not rows:
        click.echo(f"There are no models in {_folder()}.", err=True)
    return FAILED if any(row.problem for row in rows) else 0
