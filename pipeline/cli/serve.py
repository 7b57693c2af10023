"""``inbox3d serve``: the stages as services for other programs."""

from __future__ import annotations

import click

from pipeline.cli import atlas_option
from pipeline.cli._atlas import opened
from pipeline.services import PORTS, SERVICES


@click.command()
@click.argument("service", type=click.Choice(SERVICES))
@atlas_option
@click.option(
    "--listen",
    default="",
    metavar="HOST:PORT",
    help="Where to listen; default: 127.0.0.1 and 8001 (views), 8002 (mesh), 8003 (finish).",
)
@click.option("--device", default="", help="cpu or cuda:N; default: the first of [host] devices.")
def serve(service: str, atlas_path: str | None, listen: str, device: str) -> int:
    """Serve one part of the line over HTTP, one request at a time, until Ctrl-C or SIGTERM.

    \b
    views   POST /generate, /imagine/generate, /imagine/from-urls
    mesh    POST /reconstruct/mesh
    finish  POST /postprocess/clean

    \b
    Example:
      inbox3d serve views --atlas /mnt/atlas --listen 127.0.0.1:8001 --device cuda:0
    """
    from pipeline import config, log
    from pipeline.gpu.device import chosen
    from pipeline.services import server

    atlas, settings = opened(atlas_path)
    log.setup(settings.log.level, settings.log.form)
    host, port = config.address(listen or f"127.0.0.1:{PORTS[service]}", settings.web)
    return server.serve(
        atlas, settings, service, device or chosen(settings.host.devices)[0], host, port
    )
