"""`inbox3d mcp`: a running inbox3d as tools of an assistant, over the Model Context Protocol on
stdin and stdout."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from pipeline.cli import UNUSABLE, fail

if TYPE_CHECKING:
    from pipeline.cli._rest import Rest

ABOUT = """\
Turns 3D scan passes, meshes, images or a sentence into 3D models. submit gives a job_id; wait for
it, then fetch saves the model. A failed job says why (message) and what to do (remedy)."""
KEY = "INBOX3D_KEY"
P = ParamSpec("P")
R = TypeVar("R")


@click.command()
@click.option(
    "--url",
    default="http://127.0.0.1:8000",
    show_default=True,
    envvar="INBOX3D_URL",
    help=f"Where inbox3d serves its API; from another host set ${KEY} to a key.",
)
@click.option(
    "--files",
    "folder",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Files are sent from this folder and saved in it, nowhere else; default: the current one.",
)
def mcp(url: str, folder: Path) -> None:
    """Offer submit, status, list, fetch and wait to an assistant, as MCP tools on stdin and stdout.

    \b
    Example:
      INBOX3D_KEY=i3d_… inbox3d mcp --url http://atlas.example:8000 --files ~/models
    """
    try:
        from pipeline.cli._rest import Rest

        server = make(Rest(url, os.environ.get(KEY)), folder.resolve())
    except ModuleNotFoundError as missing:
        fail(
            f"{missing.name} is not installed.",
            UNUSABLE,
            "pip install -c constraints.txt 'inbox3d[mcp]'",
        )
        return
    server.run()


def make(rest: Rest, folder: Path) -> Any:
    """The server of the service behind REST; its files are those below FOLDER."""
    from mcp.server import MCPServer

    from pipeline.cli._tools import Tools

    server = MCPServer("inbox3d", instructions=ABOUT, log_level="WARNING")
    tools = Tools(rest, folder)
    for name, tool in (
        ("submit", tools.submit),
        ("status", tools.status),
        ("list", tools.jobs),
        ("fetch", tools.fetch),
        ("wait", tools.wait),
    ):
        server.tool(name=name)(_told(tool))
    return server


def _told(tool: Callable[P, R]) -> Callable[P, R]:
    """TOOL, whose refusals reach the assistant in words."""
    from mcp.server.mcpserver.exceptions import ToolError

    from pipeline.cli._rest import Refused

    @wraps(tool)
    def told(*args: P.args, **named: P.kwargs) -> R:
        try:
            return tool(*args, **named)
        except (Refused, ValueError, OSError) as error:
            raise ToolError(str(error)) from None

    return told
