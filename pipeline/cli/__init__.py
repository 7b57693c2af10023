"""The command line. Command files are imported when their command runs, so that ``inbox3d --help``
stays fast.

Exit codes: 0 done, 1 failed, 2 usage, 3 refused before submission, 4 Atlas not usable, 130
interrupted (the job stays).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

FAILED, REFUSED, UNUSABLE, INTERRUPTED = 1, 3, 4, 130

# command → (file below pipeline/cli, one line of help)
COMMANDS = {
    "init": ("run", "Create the tree on Atlas and prove that the mount can carry it."),
    "up": ("run", "Start intake and workers on this host and keep them running."),
    "once": ("once", "Drop one file or folder and wait for its model."),
    "demo": ("once", "Scan a virtual object, drop the passes, compare the result with the truth."),
    "submit": ("hand_in", "Drop a file or folder and print the job's id."),
    "jobs": ("look", "List jobs by state."),
    "show": ("look", "Show one job."),
    "retry": ("act", "Run a failed job again, or a done one as a new job."),
    "cancel": ("act", "Stop a job; it goes to failed/."),
    "rm": ("act", "Move a done or failed job to the trash, where it stays 30 days."),
    "restore": ("act", "Bring a deleted job back from the trash."),
    "web": ("web", "Serve the REST API and the pages alone."),
    "serve": ("serve", "Serve views, mesh or finish to other programs, one request at a time."),
    "mcp": ("mcp", "Offer a running inbox3d to an assistant, as MCP tools."),
    "keys": ("web", "Make, list and revoke the keys that other hosts need."),
    "reindex": ("web", "Write the web layer's list of jobs anew from the tree."),
    "gc": ("act", "Empty what is due in the trash and on this host's scratch."),
    "halt": ("act", "Stop claiming and starting everywhere."),
    "resume": ("act", "Take HALT away."),
    "models": ("models", "List, fetch, import and check model weights."),
    "board": ("board", "Write a sheet of markers that gives scans of photographs their size."),
    "deploy": (
        "deploy",
        "Write units, share, web server and firewall for this host into a folder.",
    ),
    "viewer": ("viewer", "Fetch the model viewer of reports and pages, where it is missing."),
    "doctor": ("look", "Check this host and the mount, and say what is missing."),
}


class Lazy(click.Group):
    """A group whose commands live in files that are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"pipeline.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            ctx.fail(f"There is no command {args[0]!r}. `inbox3d --help` lists them.")
        return super().resolve_command(ctx, args)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="inbox3d", prog_name="inbox3d")
def cli() -> None:
    """Drop a folder, get a model.

    Atlas is the storage tree; name it with --atlas, $INBOX3D_ATLAS or [host] atlas in host.toml.

    \b
    Example:
      inbox3d once ~/scans/vase --atlas /mnt/atlas
    """


def atlas_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--atlas", "atlas_path", metavar="FOLDER", help="Where Atlas is mounted.")(
        function
    )


def fail(message: str, code: int, remedy: str = "") -> NoReturn:
    """Say what is wrong and what to do on stderr, and end."""
    click.echo(f"inbox3d: {message}" + (f"\n  → {remedy}" if remedy else ""), err=True)
    sys.exit(code)


def main() -> None:
    """Run the command line; a PipelineError ends in its message and remedy, never in a
    traceback."""
    from layout import rights
    from layout.disk import LineFault

    try:
        code = cli(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except LineFault as error:
        fail(error.message, UNUSABLE, error.remedy)
    except OSError as error:
        from pipeline.cli._atlas import user

        if hasattr(error, "remedy"):
            fail(str(error), REFUSED, str(error.remedy))
        denied, name = isinstance(error, PermissionError), error.filename or "a file"
        why = rights.words(error, Path(name)) if error.filename else error.strerror or error
        fail(
            f"{name}: {why} (as {user()})",
            UNUSABLE,
            "Grant that, or run it as the owner of the tree, or as root."
            if denied
            else "Mend that and try again.",
        )
    except Exception as error:
        if not hasattr(error, "remedy"):
            raise
        fail(str(error), REFUSED, str(error.remedy))
