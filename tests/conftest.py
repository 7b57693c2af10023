"""Fixtures and rules that every test shares: what a test needs is asked for by name, and its absence is never silent.

Where something is missing the test is skipped with its name; on a build machine (CI=true) that is a failure, because there
everything can be installed. A GPU cannot: its tests are skipped everywhere else.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# Many containers forbid Python to keep what it compiled. Then each of the hundreds of processes that
# tests start compiles the whole program again, and each run of the suite all of its assertions.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A machine that has other work makes inputs slowly, and that is no fault of what is tested.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# Where Debian keeps what is not on an ordinary user's PATH.
PROGRAM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/postgresql/15/bin")


def missing(what: str, remedy: str) -> None:
    """Skip by name; fail where CI=true."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{what} is missing, and a build machine must have it: {remedy}", pytrace=False)
    pytest.skip(f"{what} is missing: {remedy}")


def find_program(name: str) -> Path | None:
    """Where the program NAME is, looking also where servers are kept."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *PROGRAM_FOLDERS]))
    return Path(found) if found else None


@pytest.fixture(scope="session", autouse=True)
def own_locks(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Lock files of this run's own: another run on this machine, or a fleet at work, has workers of the same names."""
    os.environ["INBOX3D_RUN"] = str(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module", autouse=True)
def settled_heap() -> Iterator[None]:
    """What was imported for a module's tests is no garbage: collections look at what the tests make, not at torch and scipy anew."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def own_umask() -> Iterator[None]:
    """A command that works on a tree takes its umask from there: the next test shall not inherit it."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The folder of shared test data (data/scans, goldens, specs): $INBOX3D_TESTDATA, else ../shared."""
    folder = Path(os.environ.get("INBOX3D_TESTDATA") or ROOT.parent / "shared").resolve()
    if not (folder / "data" / "scans").is_dir():
        missing(f"test data ({folder}/data/scans)", "name its folder in INBOX3D_TESTDATA")
    return folder


@pytest.fixture(scope="session")
def program() -> Callable[[str], Path]:
    """A function that gives the path of a server or client program (smbd, redis-server, chromium …)."""

    def find(name: str) -> Path:
        found = find_program(name)
        if found is None:
            missing(f"the program {name}", "run deploy/system-packages.sh test")
            raise AssertionError("unreachable")
        return found

    return find


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA GPU; asks the driver's files, so that no test run loads torch for it."""
    return any(Path("/dev").glob("nvidia[0-9]*"))


def longest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Files with the longest tests first, each whole: what starts last is then short, and no worker
    waits for another at the end. Real processes are the longest, then what is marked slow, which
    may say how many seconds it takes."""
    weight: Counter[Path] = Counter()
    for item in items:
        if item.get_closest_marker("proof"):
            continue
        mark = item.get_closest_marker("slow")
        slow = (*mark.args, 1.0)[0] if mark else 0.01
        weight[item.path] += slow * (20 if "acceptance" in item.path.parts else 1)
    order = {path: place for place, (path, _) in enumerate(weight.most_common())}
    return sorted(items, key=lambda item: order.get(item.path, len(order)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Longest files first; skip tests marked gpu where there is none."""
    items[:] = longest_first(items)
    if has_gpu():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="an NVIDIA GPU is missing (/dev/nvidia0)"))
