"""Every task of this repository: ``nox -l`` lists them, ``nox -s NAME`` runs one.

Nothing is downloaded but packages; interpreters are those that are there.
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nox

if sys.version_info < (3, 11):  # noqa: UP036  # nox runs this file on any Python, to say so
    raise SystemExit(f"tcpip needs Python 3.11 or newer; nox runs on {sys.version.split()[0]}")

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests", "docs", "build", "wheels"]

if any(ssl.get_default_verify_paths()[:2]):
    os.environ.setdefault("UV_SYSTEM_CERTS", "true")  # as pip does: only the machine's know a company's proxy

ROOT = Path(__file__).parent
NAMES = ("tcpip-core", "tcpip-testing", "tcpip-tools")
PACKAGES = [ROOT / "packages" / name for name in NAMES]
STRICT = ("-X", "dev", "-W", "error")
STRICT_WORKERS = {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error"}  # pytest-xdist does not hand the options on

SUPPORTED = ("3.11", "3.12", "3.13")
# What takes longer runs on the oldest and the newest Python, or on the newest alone; the sessions below run the rest.
AT_THE_ENDS = ["tests/testing"]
LONG = [f"tests/{name}" for name in ("faults", "fuzz", "programs", "repo", "simulation", "soak", "tools")]
VERBS = ["tests/benchmarks", *(f"tests/tools/{name}" for name in ("commands", "mock", "tap"))]
"""Tests that start programs over and over, in a session of their own."""
NEWER = ("3.14", "3.15")


def groups(*names: str) -> list[str]:
    """List the requirements of some dependency groups."""
    return list(nox.project.dependency_groups(nox.project.load_toml(ROOT / "pyproject.toml"), *names))


def editable(**extras: str) -> list[str]:
    """Give the arguments that install the three packages from this tree, in one go: they pin each other.

    Extras are given like ``core="uvloop,msgspec"``.
    """
    arguments: list[str] = []
    for package in PACKAGES:
        extra = extras.get(package.name.removeprefix("tcpip-"))
        arguments += ["-e", f"{package}[{extra}]" if extra else str(package)]
    return arguments


# --- interpreters -----------------------------------------------------------------------------------------------------


def answers(python: str | Path, version: str) -> bool:
    """Run an interpreter: a pyenv shim is there for versions that it then does not find."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == version


def pyenv_roots() -> list[Path]:
    """List the directories where pyenv keeps its interpreters: as told, and beside its shims on the PATH."""
    told = [Path(os.environ["PYENV_ROOT"])] if "PYENV_ROOT" in os.environ else []
    return told + [Path(entry).parent for entry in os.get_exec_path() if Path(entry).name == "shims"]


def find_python(version: str) -> Path | None:
    """Find an interpreter that really runs: on the PATH, with pyenv, or with uv."""
    name = f"python{version}"
    on_path = [Path(entry, name) for entry in os.get_exec_path()]
    of_pyenv = [path for root in pyenv_roots() for path in sorted(root.glob(f"versions/{version}.*/bin/{name}"))]
    for candidate in [*on_path, *of_pyenv]:
        if candidate.exists() and answers(candidate, version):
            return candidate
    if uv := shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"):
        command = [uv, "python", "find", "--no-python-downloads", "--system", version]
        found = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/").stdout.strip()
        if found and answers(found, version):
            return Path(found)
    return None


PYTHONS = {version: find_python(version) for version in (*SUPPORTED, *NEWER)}
# Nox looks on the PATH, and would meet the shims first.
os.environ["PATH"] = os.pathsep.join([*(str(one.parent) for one in PYTHONS.values() if one), os.environ["PATH"]])


# --- helpers ----------------------------------------------------------------------------------------------------------


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a directory outside of this tree, and not below .nox: there pyright checks nothing and finds no fault."""
    with tempfile.TemporaryDirectory(prefix="tcpip-") as name:
        yield Path(name).resolve()


def build_wheels(session: nox.Session, place: Path, packages: list[Path] = PACKAGES) -> dict[str, str]:
    """Build sdists, and the wheels from them; return the wheels' paths by the names of their distributions."""
    for package in packages:
        session.run("python", "-m", "build", "--installer", "uv", "--outdir", str(place), str(package), silent=True)
    return {path.name.split("-")[0].replace("_", "-"): str(path) for path in sorted(place.glob("*.whl"))}


def fresh_env(session: nox.Session, place: Path, *requirements: str) -> str:
    """Make an environment that has what is asked for and nothing else; return its interpreter."""
    session.run("uv", "venv", "--quiet", "--no-project", "--python", sys.executable, str(place))
    python = str(place / ("Scripts" if os.name == "nt" else "bin") / "python")
    install(session, python, *requirements)
    return python


def install(session: nox.Session, python: str, *arguments: str) -> None:
    """Install into an environment of `fresh_env`."""
    session.run("uv", "pip", "install", "--quiet", "--python", python, *arguments)


def run_pytest(session: nox.Session, python: str, *arguments: str) -> None:
    """Run tests on all cores; every warning is an error."""
    options = ("-n", "logical", "--dist", "worksteal", *arguments, *session.posargs)
    session.run(python, *STRICT, "-m", "pytest", *options, env=STRICT_WORKERS, external=True)


def write_version(package: Path, version: str) -> None:
    """Write a version into a package: its own, and those of its sisters that it pins."""
    place = re.compile(r"""(^version = "|^__version__ = "|tcpip-(?:core|testing|tools)==)[^"]+(?=")""", re.MULTILINE)
    for path in (package / "pyproject.toml", *package.glob("src/*/_version.py")):
        path.write_text(place.sub(rf"\g<1>{version}", path.read_text(encoding="utf-8")), encoding="utf-8")


def needs(requirement: str) -> set[str]:
    """Name our distributions that a requirement such as ``tcpip-core[testing]`` brings with it."""
    name, _, extras = requirement.removesuffix("]").partition("[")
    project = nox.project.load_toml(ROOT / "packages" / name / "pyproject.toml")["project"]
    wanted = list(project["dependencies"])
    for extra in filter(None, extras.split(",")):
        wanted += project["optional-dependencies"][extra]
    ours = (re.match(r"tcpip-\w+(\[.*\])?", one) for one in wanted)
    return {name}.union(*(needs(one[0]) for one in ours if one))


# --- try and test -----------------------------------------------------------------------------------------------------


@nox.session
def demo(session: nox.Session) -> None:
    """Talk to a mock device over real TCP."""
    session.install(*editable())
    session.run("tcpip", "demo", *session.posargs)


@nox.session(python=[*SUPPORTED, *(version for version in NEWER if PYTHONS[version])])
def tests(session: nox.Session) -> None:
    """Run the tests on every interpreter that is there; nox says at the end which ran and which are absent."""
    session.install(*editable(), *groups("tests"))
    is_newest = session.python == max(version for version in SUPPORTED if PYTHONS[version])
    left_out = [*VERBS, *LONG * (not is_newest), *AT_THE_ENDS * (session.python in SUPPORTED[1:-1])]
    run_pytest(session, "python", *(f"--ignore={path}" for path in left_out))


@nox.session(python=[SUPPORTED[0], SUPPORTED[-1]])
def verbs(session: nox.Session) -> None:
    """Run each verb of the command against real sockets, at a terminal, and as the pages of the docs have it."""
    session.install(*editable(), *groups("tests"))
    run_pytest(session, "python", "tests/benchmarks", "tests/tools")


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure what the tests cover; for people, no figure is demanded."""
    session.install(*editable(), *groups("tests", "coverage"))
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session(python="3.11", venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that we declare."""
    packages = editable(core="uvloop,msgspec", testing="pytest,hypothesis", tools="nats,mqtt,plot")
    session.install("--resolution", "lowest-direct", *packages, *groups("tests"))
    session.run("uv", "pip", "list", external=True)
    run_pytest(session, "python")


@nox.session
def interop(session: nox.Session) -> None:
    """Speak to programs of somebody else; let them read our captures."""
    session.install(*editable(), *groups("interop"))
    session.run("python", *STRICT, "-m", "pytest", "-v", "-rs", "--interop", "tests/interop", *session.posargs)


@nox.session(python=[SUPPORTED[0], SUPPORTED[-1]])
def netns(session: nox.Session) -> None:
    """Cut real links between network namespaces; print how soon each end noticed. As root on Debian, install ip."""
    if os.geteuid() == 0 and Path("/etc/debian_version").exists() and not shutil.which("ip"):
        session.run(
            "apt-get", "install", "-y", "--no-install-recommends", "iproute2", external=True, success_codes=[0, 100]
        )
    session.install(*editable(), *groups("tests"))
    session.run("python", *STRICT, "-m", "pytest", "-q", "tests/netns", *session.posargs)


@nox.session(python=[SUPPORTED[0], SUPPORTED[-1]])
def simulate(session: nox.Session) -> None:
    """Run the real classes under random faults in virtual time: 100 000 seeds, or as told (``-- --seeds N``)."""
    session.install(*editable())
    session.run("python", "-W", "error", "-m", "tests.simulation", *(session.posargs or ["--seeds", "100000"]))


@nox.session(python=[SUPPORTED[0], SUPPORTED[-1]])
def fuzz(session: nox.Session) -> None:
    """Send what nobody should: 10 M frames without I/O, 1 M messages at a server on each loop (``-- --minutes M``)."""
    session.install(*editable(core="uvloop"), *groups("tests"))
    session.run("python", "-W", "error", "-m", "tests.fuzz.framing", *session.posargs)
    for loop in ("asyncio", "uvloop"):
        session.run("python", "-W", "error", "-m", "tests.fuzz.server", "--loop", loop, *session.posargs)


@nox.session(python=[SUPPORTED[0], SUPPORTED[-1]])
def leaks(session: nox.Session) -> None:
    """Count what 100 000 connections leave behind, on each loop (``-- --connects N``)."""
    session.install(*editable(core="uvloop"))
    for loop in ("asyncio", "uvloop"):
        session.run("python", "-W", "error", "-m", "tests.soak.leaks", "--loop", loop, *session.posargs)


@nox.session(python=[SUPPORTED[0], SUPPORTED[-1]])
def soak(session: nox.Session) -> None:
    """Talk for 30 minutes on each loop while things go wrong; plot memory, descriptors, tasks (``-- --minutes M``)."""
    session.install(*editable(core="uvloop"))
    place = Path(session.create_tmp())
    for loop in ("asyncio", "uvloop"):
        arguments = ("--loop", loop, "--output", str(place / f"soak-{loop}.json"), *session.posargs)
        session.run("python", "-W", "error", "-m", "tests.soak.soak", *arguments)


@nox.session(python=["3.11", "3.13"])
def faults(session: nox.Session) -> None:
    """Try every fault, in its long form too, print what was measured, and take precautions out to see tests fail.

    ``nox -s faults -- --reversions`` does the last part only, ``-- --reversions NAME`` a part of that.
    """
    session.install(*editable(), *groups("tests"))
    chosen: list[str] = []
    if "--reversions" in session.posargs[:1]:
        chosen = session.posargs[1:]
    else:
        # One at a time: what is measured are times.
        session.run("python", *STRICT, "-m", "pytest", "--full", "tests/faults", *session.posargs)
    session.run("python", "tests/faults/reversions.py", *chosen)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed, idle links and losses beside other libraries (``-- --quick``, ``-- --compare REV``).

    Everything takes a quarter of an hour; ``-- --help`` shows how to ask for less. ``-P 3.13`` is another interpreter.
    """
    session.install(*editable(), *groups("bench"))
    # First: the others leave tens of thousands of closed sockets behind, which the command would look through.
    session.run("python", "-m", "tests.benchmarks.start_up", "--rounds", "20")
    session.run("python", "-m", "tests.benchmarks", *session.posargs)
    session.run("python", "-m", "tests.benchmarks.anatomy")
    session.run("python", "-m", "tests.benchmarks.observing")
    session.run("python", "-m", "tests.benchmarks.tap")


@nox.session(python=[SUPPORTED[0], SUPPORTED[-1]])
def simbench(session: nox.Session) -> None:
    """Print how fast the simulation is, and how soon Hypothesis finds two planted bugs in it."""
    session.install(*editable(testing="hypothesis"))
    session.run("python", "-m", "tests.benchmarks.simulation", *session.posargs)
    session.run("python", "-m", "tests.benchmarks.planted_bugs")


# --- check ------------------------------------------------------------------------------------------------------------


@nox.session
def lint(session: nox.Session) -> None:
    """Check format, style, layers, docstrings and changelog fragments."""
    session.install(*editable(testing="hypothesis"), *groups("lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports", "--no-cache")
    session.run("python", "tests/repo/public_docstrings.py")
    session.run("towncrier", "build", "--draft", "--version", "next")


@nox.session
def types(session: nox.Session) -> None:
    """Check types: both checkers on everything, the type tests on mutants, completeness on installed wheels."""
    session.install(*editable(testing="pytest,hypothesis"), *groups("types", "build"))
    session.run("mypy")
    session.run("pyright", "--warnings", "--project", "pyproject.toml")
    session.run("python", "tests/typing/mutations.py")
    with scratch() as place:
        built = build_wheels(session, place)
        python = fresh_env(session, place / "env", *built.values(), "hypothesis", "typing-extensions")
        packages = [name.replace("-", "_") for name in NAMES]
        session.run("python", "tests/typing/completeness.py", python, *packages)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation and run its code blocks."""
    session.install(*editable(testing="pytest"), *groups("docs"))
    session.run("sphinx-build", "-W", "-n", "--keep-going", "-E", "-q", "docs", "docs/_build/html")
    session.run("python", *STRICT, "-m", "pytest", "-p", "docs.blocks", "README.md", "docs", *session.posargs)


# --- build and release ------------------------------------------------------------------------------------------------


@nox.session
def build(session: nox.Session) -> None:
    """Build sdists, and wheels from them, into dist/; check what is in them and what they say."""
    session.install(*groups("build"))
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    build_wheels(session, ROOT / "dist")
    session.run("python", "tests/repo/distributions.py", "dist")
    session.run("twine", "check", "--strict", *map(str, sorted((ROOT / "dist").iterdir())))


@nox.session
def wheels(session: nox.Session) -> None:
    """Install the wheels with each extra, run the contract's tests on them, and mix two versions."""
    session.install(*groups("build"))
    with scratch() as place:
        built = build_wheels(session, place / "dist")
        for number, requirement in enumerate(every_installation()):
            name, _, extra = requirement.partition("[")
            ours = sorted(needs(requirement))
            wheels = [built[one] + (f"[{extra}" if extra and one == name else "") for one in ours]
            session.log(f"{requirement}: {', '.join(ours)}")
            python = fresh_env(session, place / f"env{number}", *wheels)
            session.run("uv", "pip", "check", "--quiet", "--python", python)
            session.run(python, "-I", *STRICT, str(ROOT / "tests/repo/installed.py"), *ours, external=True)
        python = fresh_env(session, place / "contract", *built.values(), *groups("tests"))
        run_contract_tests(session, python, place / "copy")
        mix_versions(session, python, place / "mixed")


def every_installation() -> list[str]:
    """List what people can ask for: each distribution, bare and with each of its extras."""
    found: list[str] = []
    for package in PACKAGES:
        project = nox.project.load_toml(package / "pyproject.toml")["project"]
        extras = project["optional-dependencies"]
        found += [package.name, *(f"{package.name}[{extra}]" for extra in extras)]
    return found


def run_contract_tests(session: nox.Session, python: str, copy: Path) -> None:
    """Run the tests of the contract where no source of ours can be imported."""
    shutil.copytree(ROOT / "tests", copy / "tests")
    shutil.copy(ROOT / "pyproject.toml", copy)
    with session.chdir(copy):
        session.run(python, "-I", str(copy / "tests/repo/installed.py"), *NAMES, external=True)
        run_pytest(session, python, "-k", "not uvloop", "tests/contract")


def mix_versions(session: nox.Session, python: str, place: Path) -> None:
    """Put a tcpip-core of another version beside the satellites: each must say so when it is imported."""
    other = place / "tcpip-core"
    shutil.copytree(PACKAGES[0], other)
    write_version(other, "99.0.0")
    wheel = build_wheels(session, place / "dist", [other])["tcpip-core"]
    install(session, python, "--no-deps", "--reinstall", wheel)
    session.run(python, "-I", str(ROOT / "tests/repo/mixed_versions.py"), "99.0.0", external=True)


@nox.session(venv_backend="none")
def bump(session: nox.Session) -> None:
    """Write a new version everywhere: ``nox -s bump -- X.Y.Z``."""
    if len(session.posargs) != 1 or not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", session.posargs[0]):
        session.error("give one version, such as 0.2.0 or 0.2.0rc1: nox -s bump -- X.Y.Z")
    for package in PACKAGES:
        write_version(package, session.posargs[0])
