"""Settings: what belongs to the pipeline is one file on Atlas for all hosts, what belongs to a host
is that host's own file.

Read in this order, the later one wins: defaults, the file on Atlas, the host's file, the
environment (``INBOX3D_<GROUP>__<FIELD>``). Unknown keys are refused by name; the defaults work
unedited. Times are in seconds.
"""

from __future__ import annotations

import contextlib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.config.groups import HOST_GROUPS, Host, Intake, Settings
from pipeline.config.web import Web
from pipeline.errors import PipelineError
from pipeline.jobs.wording import wrong

__all__ = ["Host", "Intake", "Settings", "SettingsRefused", "Web", "address", "host_file", "load"]

SHARED_NAME = "inbox3d.toml"  # below .pipeline/config/ on Atlas
HOST_FILES = ("/etc/inbox3d/host.toml", "~/.config/inbox3d/host.toml")
HOST_VARIABLE = "INBOX3D_HOST_CONFIG"
PREFIX = "INBOX3D_"


class SettingsRefused(PipelineError):
    """A setting is wrong."""

    who = "operator"
    remedy = "Correct the setting that is named; docs/operations.md lists them all."


def address(listen: str, web: Web) -> tuple[str, int]:
    """(host, port) of LISTEN, ``HOST:PORT`` or ``PORT``; what is left out is [web]'s.
    SettingsRefused where it is neither."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]") or web.host
    if not listen:
        return web.host, web.port
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise SettingsRefused(
            f"--listen: {listen!r} is not HOST:PORT",
            remedy="For example --listen 127.0.0.1:8000, or --listen off.",
        )
    return host, int(port)


def load(shared: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings in effect. SHARED is the file on Atlas, if Atlas is known; a missing file means
    defaults.

    Raises SettingsRefused, naming the file and the key.
    """
    merged: dict[str, dict[str, Any]] = {}
    for origin, layer in _layers(shared, environ):
        _check(origin, layer)
        for group, fields in layer.items():
            merged.setdefault(group, {}).update(fields)
    return Settings.model_validate(merged)


def host_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The host's own file: the one that $INBOX3D_HOST_CONFIG names, else the first that exists."""
    if named := environ.get(HOST_VARIABLE):
        return Path(named).expanduser()
    for name in HOST_FILES:
        with contextlib.suppress(RuntimeError, PermissionError):  # a user without a home of its own
            if (path := Path(name).expanduser()).is_file():
                return path
    return None


def _layers(shared: Path | None, environ: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    layers = []
    if shared is not None and (content := _read(shared)) is not None:
        pipelines = set(Settings.model_fields) - HOST_GROUPS
        _belongs(
            str(shared),
            content,
            pipelines,
            "belongs to one host: move it to that host's own host.toml",
        )
        layers.append((str(shared), content))
    if (own := host_file(environ)) is not None:
        content = _read(own)
        if content is None:
            raise SettingsRefused(f"${HOST_VARIABLE} names {own}, which does not exist")
        _belongs(
            str(own),
            content,
            set(HOST_GROUPS),
            f"is one for all hosts: move it to .pipeline/config/{SHARED_NAME} on Atlas",
        )
        layers.append((str(own), content))
    return [*layers, ("environment", _environment(environ))]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (PermissionError, IsADirectoryError) as error:
        raise SettingsRefused(
            f"{path}: {error.strerror}",
            remedy="Let the user that runs inbox3d read it (chgrp, chmod g+r).",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{path}: not valid TOML: {error}") from None


def _belongs(origin: str, content: Mapping[str, Any], allowed: set[str], why: str) -> None:
    for group in content:
        if group in Settings.model_fields and group not in allowed:
            raise SettingsRefused(f"{origin}: [{group}] {why}")


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, value in environ.items():
        group, separator, field = variable.removeprefix(PREFIX).partition("__")
        if variable.startswith(PREFIX) and separator:
            found.setdefault(group.lower(), {})[field.lower()] = value
    return found


def _check(origin: str, content: Mapping[str, Any]) -> None:
    try:
        Settings.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        said = (
            "there is no such setting"
            if first["type"] == "extra_forbidden"
            else f"{wrong(first)} (given: {first.get('input')!r})"
        )
        raise SettingsRefused(f"{origin}: {key}: {said}"[:400]) from None
