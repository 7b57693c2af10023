"""``inbox3d deploy``: the files of deploy/, filled in for one host."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import click

from pipeline.cli import REFUSED, fail

# Every file stands in deploy/ with working example values; what a host differs in is put in.
EXAMPLES = {
    "atlas": "/srv/atlas",
    "prefix": "/opt/inbox3d",
    "hostname": "elohim-bitch-gpu.insanelabs.org",
    "servers": "10.0.20.0/24",
    "mgmt": "10.0.10.0/24",
    "nas": "10.0.20.10",
    "compute": "10.0.20.20",
}
MOUNT = "systemd/srv-atlas.mount"
SERVES = ("samba/inbox3d.conf", "backup/atlas.filter", "nftables/inbox3d.nft")
WORKS = (
    "systemd/inbox3d.target",
    "systemd/inbox3d-up.service",
    "systemd/inbox3d-web.service",
    "nginx/inbox3d.conf",
    "host.toml",
    "prometheus/scrape.yml",
    "prometheus/alerts.yml",
    "grafana/inbox3d.json",
)
ROLES = {
    "atlas": (*SERVES, "nfs/inbox3d.exports"),
    "compute": (*WORKS, MOUNT, "nftables/inbox3d.nft"),
    "single": (*WORKS, *SERVES),
}
GOES = {
    "systemd": "/etc/systemd/system",
    "nginx": "/etc/nginx/sites-available",
    "samba": "/etc/samba",
    "nfs": "/etc/exports.d",
    "nftables": "/etc/nftables.d",
    "backup": "/etc/inbox3d",
    ".": "/etc/inbox3d",
    "prometheus": "/etc/prometheus",
    "grafana": "/var/lib/grafana/dashboards",
}


@click.command()
@click.option(
    "--role",
    type=click.Choice(list(ROLES)),
    required=True,
    help="atlas: the file server; compute: a host with workers; single: both on one machine.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder to write to.",
)
@click.option("--atlas", "atlas", default=EXAMPLES["atlas"], show_default=True, help="The tree.")
@click.option("--prefix", default=EXAMPLES["prefix"], show_default=True, help="The venv.")
@click.option("--hostname", default=EXAMPLES["hostname"], show_default=True, help="Of the pages.")
@click.option("--servers", default=EXAMPLES["servers"], show_default=True, help="VLAN let in.")
@click.option("--mgmt", default=EXAMPLES["mgmt"], show_default=True, help="VLAN of admins.")
@click.option("--nas", default=EXAMPLES["nas"], show_default=True, help="Address of Atlas.")
@click.option("--compute", default=EXAMPLES["compute"], show_default=True, help="That may mount.")
def deploy(role: str, out: Path, **answers: str) -> None:
    """Write the configuration of units, web server, share, export, mount, firewall and monitoring
    for this host into a folder, and say where each file goes. Nothing outside it is changed.

    \b
    Example:
      inbox3d deploy --role compute --out ./etc --nas 10.0.20.10 --hostname models.lan
    """
    for name in ("servers", "mgmt"):
        _network(name, answers[name])
    for name in ("nas", "compute"):
        _address(name, answers[name])
    for name in ("atlas", "prefix"):
        if not answers[name].startswith("/") or set(answers[name]) & set(" \"'@;{}\\\n"):
            raise click.BadParameter("an absolute path without blanks", param_hint=f"--{name}")
    source = _source()
    for name in ROLES[role]:
        target = out / _named(name, answers["atlas"])
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            fail(f"{target} is there already.", REFUSED, "Name another --out, or take it away.")
        target.write_text(filled((source / name).read_text(), name, role, answers))
        goes = GOES[Path(name).parent.as_posix()]
        click.echo(f"{target}  →  {goes}/{target.name}")


def filled(text: str, name: str, role: str, answers: dict[str, str]) -> str:
    """The file NAME with the answers in the place of the example values."""
    marks = {key: f"\0{key}\0" for key in EXAMPLES}  # an answer may contain another example value
    for key, example in sorted(EXAMPLES.items(), key=lambda pair: -len(pair[1])):
        text = text.replace(example, marks[key])
    for key, mark in marks.items():
        text = text.replace(mark, answers[key])
    if role == "single" and name == "host.toml":  # which GPUs there are nobody knows here
        text = text.partition("\n[[host.workers]]")[0]
    return text


def _named(name: str, atlas: str) -> str:
    """A mount unit is named after its folder, as systemd escapes it."""
    if name != MOUNT:
        return name
    parts = atlas.strip("/").replace("-", r"\x2d").split("/")
    return f"systemd/{'-'.join(parts)}.mount"


def _source() -> Path:
    """The folder deploy/: in an installed package beside this one, in a checkout at its top."""
    here = Path(__file__).parents[1]
    return next(folder for folder in (here / "deploy", here.parent / "deploy") if folder.is_dir())


def _network(name: str, text: str) -> None:
    try:
        ipaddress.IPv4Network(text)
    except ValueError as wrong:
        raise click.BadParameter(f"{wrong}", param_hint=f"--{name}") from None


def _address(name: str, text: str) -> None:
    try:
        ipaddress.IPv4Address(text)
    except ValueError as wrong:
        raise click.BadParameter(f"{wrong}", param_hint=f"--{name}") from None
