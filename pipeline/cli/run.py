"""``inbox3d init`` and ``inbox3d up``."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import atlas_option


@click.command()
@click.argument("atlas", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--restored",
    is_flag=True,
    help="The tree came back from a backup or a snapshot: start a new epoch.",
)
@click.option(
    "--owner",
    metavar="USER:GROUP",
    help="As root: the service's user and the people's group; default: the folder's own.",
)
def init(atlas: Path, restored: bool, owner: str | None) -> None:
    """Create the tree at ATLAS and prove with a test rename along every edge that the mount can
    carry it.

    \b
    Example:
      inbox3d init /srv/atlas --owner inbox3d:atlas
    """
    from layout import damage, ownership
    from layout.init import Unfit, init
    from layout.tree import Atlas
    from pipeline.cli._atlas import unfit

    try:
        if owner:
            ownership.give(atlas, owner)
        machinery = Atlas(atlas).pipeline
        if (whose := machinery if machinery.exists() else atlas).exists():
            ownership.become(whose)
        tree, findings = init(atlas, restored=restored)
    except LookupError as unknown:
        raise click.BadParameter(f"{unknown}", param_hint="--owner") from None
    except (Unfit, OSError) as error:
        unfit(atlas, error)
    click.echo(f"{tree.root} is ready: {len(findings)} test renames passed.", err=True)
    for damaged in damage.after_restore(tree) if restored else ():
        click.echo(f"damaged by the copy: {damage.words(tree, damaged)}", err=True)
    click.echo(
        f"Drop folders into {tree.inbox}; start workers with: inbox3d up --atlas {tree.root}",
        err=True,
    )


@click.command()
@atlas_option
@click.option("--name", help="Stands for the host in worker names; default: the host's name.")
@click.option(
    "--queues",
    default="",
    help="Queues to serve, comma separated; default: [host] workers, or all that are installed.",
)
@click.option("--devices", default="", help="auto, cpu, cuda:0,cuda:1 …; default: [host] workers.")
@click.option(
    "--fleet",
    type=click.Choice(("here", "ray")),
    default="here",
    help="ray: workers on every host of the Ray cluster at $RAY_ADDRESS, each by [host] workers.",
)
@click.option("--until-idle", is_flag=True, help="End when nothing is left to do.")
@click.option("--dry-run", is_flag=True, help="Say which workers would start, and end.")
@click.option("--gives-up", is_flag=True, hidden=True)  # for a command that waits for this fleet
@click.option(
    "--listen",
    default="",
    metavar="HOST:PORT|off",
    help="Where the web layer listens; default: [web], or off with --until-idle.",
)
def up(
    atlas_path: str | None,
    name: str | None,
    queues: str,
    devices: str,
    fleet: str,
    until_idle: bool,
    dry_run: bool,
    gives_up: bool,
    listen: str,
) -> int:
    """Start the intake, one worker per device and the web layer on this host; keep them running
    until Ctrl-C or SIGTERM.

    \b
    Example:
      inbox3d up --atlas /mnt/atlas --devices cuda:0,cuda:1
    """
    from pipeline import config, log
    from pipeline.cli._atlas import opened
    from pipeline.gpu.device import chosen
    from pipeline.queues import QUEUES
    from pipeline.watchers import fleet as fleets

    atlas, settings = opened(atlas_path, writes=not dry_run)
    log.setup(settings.log.level, settings.log.form)
    wanted = tuple(queue.strip() for queue in queues.split(",") if queue.strip())
    if unknown := [queue for queue in wanted if queue not in QUEUES]:
        raise click.BadParameter(
            f"there is no queue {unknown[0]!r}; there are {', '.join(QUEUES)}",
            param_hint="--queues",
        )
    asked = tuple(device.strip() for device in devices.split(",") if device.strip())
    listening = listen or (
        "off" if until_idle else "{}:{}".format(*config.address("", settings.web))
    )
    try:
        chosen(asked or settings.host.devices)
        if listening != "off":
            config.address(listening, settings.web)
    except config.SettingsRefused as wrong:
        raise click.UsageError(f"{wrong.message} {wrong.remedy}") from None
    spread = fleet == "ray"
    if dry_run:
        for worker in fleets.planned(atlas, settings, wanted, asked, spread):
            click.echo(worker)
        return 0
    return fleets.up(atlas, settings, name, wanted, asked, until_idle, listening, gives_up, spread)
