"""Commands of the web layer: web, keys, reindex."""

from __future__ import annotations

import click

from pipeline.cli import REFUSED, UNUSABLE, atlas_option, fail
from pipeline.cli._atlas import opened


@click.command()
@atlas_option
@click.option(
    "--listen",
    default="",
    metavar="HOST:PORT",
    help="Where to listen; default: [web] host and port.",
)
def web(atlas_path: str | None, listen: str) -> int:
    """Serve the REST API and the pages on this host, without workers, until Ctrl-C or SIGTERM.

    \b
    Example:
      inbox3d web --atlas /mnt/atlas --listen 127.0.0.1:8000
    """
    from pipeline import config, log
    from webapi.serving import server

    atlas, settings = opened(atlas_path)
    log.setup(settings.log.level, settings.log.form)
    host, port = config.address(listen, settings.web)
    return server.serve(atlas, settings, server.bind(atlas, host, port))


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that other hosts need.

    \b
    Example:
      inbox3d keys add anna --scope submit
    """


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(["read", "submit", "admin"]),
    default="submit",
    show_default=True,
    help="Each holds the ones before it.",
)
@atlas_option
def add(name: str, scope: str, atlas_path: str | None) -> None:
    """Make a key for NAME and print it; it is shown this once.

    \b
    Example:
      inbox3d keys add anna --scope submit
    """
    from webapi.access.keys import Keys

    atlas, _ = opened(atlas_path)
    try:
        click.echo(Keys(atlas).add(name, scope))  # type: ignore[arg-type]
    except ValueError as wrong:
        fail(
            f"{wrong}.",
            REFUSED,
            "`inbox3d keys list` shows the keys; `inbox3d keys revoke NAME` takes one away.",
        )
        return
    click.echo(
        "Send it as `Authorization: Bearer KEY`, or paste it on the sign-in page. It is not shown"
        " again.",
        err=True,
    )


@keys.command("list")
@atlas_option
def list_keys(atlas_path: str | None) -> None:
    """List the keys: id, scope, since when, name.

    \b
    Example:
      inbox3d keys list
    """
    from webapi.access.keys import Keys

    atlas, _ = opened(atlas_path)  # the keys are for the owner's eyes alone
    found = Keys(atlas).all()
    for key in found:
        click.echo(f"{key.id}  {key.scope:<7} {key.at}  {key.name}")
    if not found:
        click.echo("No keys.", err=True)


@keys.command()
@click.argument("key")
@atlas_option
def revoke(key: str, atlas_path: str | None) -> None:
    """Take away the key with this id or name; its sessions end at once.

    \b
    Example:
      inbox3d keys revoke anna
    """
    from webapi.access.keys import Keys

    atlas, _ = opened(atlas_path)
    gone = Keys(atlas).revoke(key)
    if gone is None:
        fail(
            f"there is no key {key!r}, or more than one of that name.",
            REFUSED,
            "`inbox3d keys list` shows the ids.",
        )
        return
    click.echo(f"{gone.name} ({gone.id}) is revoked.", err=True)


@keys.command()
@atlas_option
def webhook(atlas_path: str | None) -> None:
    """Print the secret that signs webhooks, as Standard Webhooks libraries take it.

    \b
    Example:
      inbox3d keys webhook
    """
    import base64

    from webapi.access.keys import signing_secret

    atlas, _ = opened(atlas_path)
    click.echo("whsec_" + base64.b64encode(signing_secret(atlas)).decode())


@click.command()
@atlas_option
def reindex(atlas_path: str | None) -> None:
    """Write the list of jobs anew from the tree. It is a cache: nothing is lost, and a running web
    process goes on.

    \b
    Example:
      inbox3d reindex
    """
    import time

    from sqlalchemy.exc import SQLAlchemyError

    from webapi.index.database import connect
    from webapi.index.overview import reindex as fill
    from webapi.index.table import Index

    atlas, settings = opened(atlas_path)
    began, uuid = time.monotonic(), atlas.identity().uuid
    index = Index(connect(settings.host.sql_url, settings.host.scratch.parent, uuid), uuid)
    try:
        click.echo(
            f"{fill(atlas, settings, index)} jobs in {time.monotonic() - began:.1f} s", err=True
        )
    except SQLAlchemyError as error:
        said = str(error).partition("\n")[0]
        fail(
            f"the index does not answer: {said}",
            UNUSABLE,
            "Start its database, or correct [host] sql_url; jobs go on without it.",
        )
