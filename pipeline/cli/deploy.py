"""``inbox3d deploy``: the files of deploy/, filled in for one host."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
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
@click.option(
    "--compute", default=EXAMPLES["compute"], show_default=True, help="Those that may mount."
)
def deploy(role: str, out: Path, **answers: str) -> None:
    """Write the configuration of units, web server, share, export, mount, firewall and monitoring
    for this host into a folder, and say where each file goes. Nothing outside it is changed.

    \b
    Example:
      inbox3d deploy --role compute --out ./etc --nas 10.0.20.10 --hostname models.lan
    """
    answers = {name: _checked(name, text) for name, text in answers.items()}
    source = _source()
    targets = {name: out / _named(name, answers["atlas"]) for name in ROLES[role]}
    for target in targets.values():
        if os.path.lexists(target):
            fail(f"{target} is there already.", REFUSED, "Name another --out, or take it away.")
    try:
        for name, target in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            text = filled((source / name).read_text("utf-8"), name, role, answers)
            target.write_text(text, "utf-8")
            click.echo(f"{target}  →  {GOES[Path(name).parent.as_posix()]}/{target.name}")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}.", REFUSED, "Name an --out that you may write.")


def filled(text: str, name: str, role: str, answers: dict[str, str]) -> str:
    """The file NAME with the answers in the place of the example values."""
    marks = {key: f"\0{key}\0" for key in EXAMPLES}  # an answer may contain another example value
    for key, example in sorted(EXAMPLES.items(), key=lambda pair: -len(pair[1])):
        text = text.replace(example, marks[key])
    if name == "nfs/inbox3d.exports":  # each host has its options
        hosts = answers["compute"].split(", ")
        text = re.sub(
            rf"{marks['compute']}(\(\S+\))",
            lambda found: " ".join(h + found[1] for h in hosts),
            text,
        )
    for key, mark in marks.items():
        text = text.replace(mark, answers[key])
    if role == "single" and name == "host.toml":  # which GPUs there are nobody knows here
        text = text.partition("\n[[host.workers]]")[0]
    return text


def _named(name: str, atlas: str) -> str:
    """A mount unit is named after its folder, as systemd escapes it."""
    if name != MOUNT:
        return name
    escaped = re.sub(r"[-+]|^\.", lambda sign: f"\\x{ord(sign[0]):02x}", atlas[1:])
    return f"systemd/{escaped.replace('/', '-')}.mount"


def _source() -> Path:
    """The folder deploy/: in an installed package beside this one, in a checkout at its top."""
    here = Path(__file__).parents[1]
    return next(folder for folder in (here / "deploy", here.parent / "deploy") if folder.is_dir())


def _checked(name: str, text: str) -> str:
    """The answer in the form that every program reads; BadParameter for one that would break a
    file or mean something else in it."""
    try:
        return READS[name](text.strip())
    except ValueError as wrong:
        raise click.BadParameter(f"{wrong}", param_hint=f"--{name}") from None


def _path(text: str) -> str:
    if not re.fullmatch(r"(/+[\w.+-]+)+/*", text, re.ASCII) or {".", ".."} & set(text.split("/")):
        raise ValueError(f"{text!r}: an absolute path of letters, digits and . _ + - (no ..)")
    return "/" + "/".join(part for part in text.split("/") if part)


def _hostname(text: str) -> str:
    label = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    if len(text) > 253 or not re.fullmatch(rf"{label}(\.{label})*", text, re.IGNORECASE):
        raise ValueError(f"{text!r}: one name such as models.lan, without scheme, port or blanks")
    return text.lower()


def _network(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError as wrong:
        raise ValueError(f"{wrong}; name one IPv4 network such as 192.168.1.0/24") from None


def _address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as wrong:
        raise ValueError(f"{wrong}; name an IPv4 address such as 192.168.1.10") from None


def _addresses(text: str) -> str:
    return ", ".join(dict.fromkeys(_address(each.strip()) for each in text.split(",")))


READS: dict[str, Callable[[str], str]] = {
    "atlas": _path,
    "prefix": _path,
    "hostname": _hostname,
    "servers": _network,
    "mgmt": _network,
    "nas": _address,
    "compute": _addresses,
}
