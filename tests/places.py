"""Runs every chapter where readers run it, each place made anew: ``python -m tests.places binder``.

``binder`` and ``colab`` install what is there, start JupyterLab's server, and run the chapters through it, on one
processor. ``oldest`` and ``newest`` take the first and the last release of what the package needs, and run some of the
tests too. Prints the seconds and the peak memory of each chapter; ends with status 1 if one fails or needs too much.
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from urllib.error import URLError

import nbformat
import websocket
from tests.bench import sampled
from tests.conftest import CONTENTS, ROOT, copy_project

MEMORY = 450  # MB, what Binder guarantees; it stops at 2000
START = 60  # seconds until a server must answer
CELL = 300  # seconds
VERSIONS = """
from importlib.metadata import version
for name in ("torch", "numpy", "matplotlib", "ipywidgets", "ipython"):
    print(name, version(name), flush=True)
"""
ARCHIVE = "https://github.com/exploding-gradients/exploding-gradients/archive/main.zip"
TESTS = "arguments backward bad_input canvas claims clinic* explore figures* init* jac* long* mean* networks numerals"
TESTS += " quiz randomness recurrent residual tasks training* monitor_[clmprs]* zoo"
IMAGE = ("src/.binder/requirements.txt ", "pip install --no-cache-dir -r ", "1000 src/ ", "RUN ./.binder/postBuild")
"""Steps of Binder's image, in order: the pins are a layer of their own, and the project comes after them."""
UV = Path(sys.executable).with_name("uv")

# what Colab had in August 2026 (googlecolab/backend-info), but for its Python
COLAB = [
    "torch==2.11.0",
    "numpy==2.1.3",
    "matplotlib==3.10.0",
    "ipywidgets==7.7.1",
    "ipython==7.34.0",
    "ipykernel==6.17.1",
    "scikit-learn==1.6.1",
    "jupyter-server",
    "pip",
]


class Place:
    """A virtual environment, and a copy of the project beside it.

    Parameters
    ----------
    folder : Path
        Where both are made.
    """

    def __init__(self, folder):
        self.folder, self.project = folder, copy_project(folder / "project")
        self.run(UV, "venv", "-q", "--seed", "--python", sys.executable, folder / "venv")

    def program(self, name):
        """Return the path of a program in the environment."""
        return self.folder / "venv" / "bin" / name

    def run(self, *command):
        """Run a command in the copy; end everything if it fails."""
        path = f"{self.folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        subprocess.run([*map(str, command)], cwd=self.folder, check=True, env=os.environ | {"PATH": path})

    def install(self, *what):
        """Install packages: torch for processors alone from wherever it is to be had, or else with CUDA."""
        command = [UV, "pip", "install", "-q", "--python", self.program("python"), *what]
        try:
            self.run(*command, "--torch-backend=cpu")
        except subprocess.CalledProcessError:
            self.run(*command)


def check_image(place):
    """Let repo2docker say what image it would make of the project; it must be the one that `binder` imitates."""
    place.run(UV, "venv", "-q", place.folder / "repo2docker")
    place.run(UV, "pip", "install", "-q", "--python", place.folder / "repo2docker", "jupyter-repo2docker")
    command = [place.folder / "repo2docker/bin/jupyter-repo2docker", "--no-build", "--debug", place.project]
    user = ["--user-id", "1000", "--user-name", "jovyan"]
    outcome = subprocess.run([*command[:-1], *user, command[-1]], capture_output=True, text=True)
    image = outcome.stdout + outcome.stderr
    places = [image.find(step) for step in IMAGE]
    if -1 in places or places != sorted(places):
        sys.exit(f"repo2docker would not install the pins, then copy the project, then run postBuild:\n{image}")


def binder(place):
    """Make what Binder makes of ``.binder/``: its pins, then the package."""
    check_image(place)
    settings = place.project / ".binder"
    version = (settings / "runtime.txt").read_text().strip().removeprefix("python-")
    if version != f"{sys.version_info.major}.{sys.version_info.minor}":
        sys.exit(f"Binder takes Python {version}: run this with it")
    # pip asks the second index of the first line, and goes on where it cannot be reached
    pip = [place.program("python"), "-m", "pip", "install", "-q", "--retries", "0"]
    place.run(*pip, "-r", settings / "requirements.txt")
    place.run(*pip, "jupyterlab", "-c", settings / "requirements.txt")  # comes with Binder's own image
    place.run("env", "-C", place.project, "bash", settings / "postBuild")


def colab(place):
    """Install what Colab has, and let the chapters fetch the package from an archive."""
    place.install(*COLAB)
    shutil.make_archive(str(place.folder / "main"), "zip", place.folder, "project")
    for path in place.project.glob("chapters/**/*.ipynb"):
        text = path.read_text("utf-8")
        assert text.count(ARCHIVE) == 1, f"{path.name} fetches the package once"
        path.write_text(text.replace(ARCHIVE, str(place.folder / "main.zip")), "utf-8")


def oldest(place):
    """Install the first release of each package that ours needs."""
    _install_with_tests(place, "lowest-direct")


def newest(place):
    """Install the last release of each package that ours needs."""
    _install_with_tests(place, "highest")


def _install_with_tests(place, resolution):
    pins = place.folder / "pins.txt"
    command = [UV, "pip", "compile", "-q", "--resolution", resolution, "--no-emit-index-url", "--no-emit-find-links"]
    place.run(*command, "-o", pins, place.project / "pyproject.toml")
    place.install("-c", pins, "-e", f"{place.project}[lab,test]")


@contextlib.contextmanager
def server(place):
    """Start the environment's Jupyter server; give the address of its interface and the token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = uuid.uuid4().hex
    options = [f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", "--ServerApp.port_retries=0"]
    program = [place.program("jupyter"), "server", "--no-browser", "--allow-root", *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PATH": f"{place.program('')}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen(program, cwd=place.project, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/api")
            yield f"127.0.0.1:{port}/api", token
        finally:
            process.terminate()


def _wait_for(address):
    ending = time.monotonic() + START
    while True:
        try:
            return urllib.request.urlopen(address)
        except URLError:
            if time.monotonic() > ending:
                raise
            time.sleep(0.2)


class Kernel:
    """A kernel behind a Jupyter server, as a browser has it.

    Parameters
    ----------
    api, token : str
    path : str
        The notebook for which it is started.
    """

    def __init__(self, api, token, path):
        asked = {"path": path, "name": Path(path).name, "type": "notebook", "kernel": {"name": "python3"}}
        headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{api}/sessions", json.dumps(asked).encode(), headers)
        session = json.load(urllib.request.urlopen(request))
        self._delete = urllib.request.Request(
            f"http://{api}/sessions/{session['id']}", method="DELETE", headers=headers
        )
        self._socket = websocket.create_connection(
            f"ws://{api}/kernels/{session['kernel']['id']}/channels?token={token}", timeout=CELL
        )

    def execute(self, source):
        """Run a cell; return what it printed, or raise what it raised as a `RuntimeError`."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "username": "",
            "session": "",
            "version": "5.3",
        }
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self._socket.send(json.dumps(message))
        printed = ""
        while True:
            reply = json.loads(self._socket.recv())
            if reply["parent_header"].get("msg_id") != header["msg_id"] or reply["channel"] != "iopub":
                continue
            told = reply["content"]
            if reply["msg_type"] == "stream" and told["name"] == "stdout":
                printed += told["text"]
            elif reply["msg_type"] == "error":
                raise RuntimeError(f"{told['ename']}: {told['evalue']}")
            elif reply["msg_type"] == "status" and told["execution_state"] == "idle":
                return printed

    def close(self):
        """End the kernel."""
        self._socket.close()
        urllib.request.urlopen(self._delete)


def run_chapters(place, most):
    """Run each chapter in a fresh kernel; return whether all ran in so many MB of memory."""
    well = True
    with server(place) as (api, token):
        for source in CONTENTS.values():
            if source.suffix == ".ipynb":
                path = source.relative_to(ROOT).as_posix()
                well &= run_chapter(Kernel(api, token, path), place.project / path, most)
    return well


def run_chapter(kernel, path, most):
    """Run a chapter, print how it went, and return whether it went well."""
    started, wrong = time.monotonic(), ""
    with sampled(int(kernel.execute("import os; print(os.getpid())"))) as samples:
        try:
            for cell in nbformat.read(path, as_version=4).cells:
                if cell.cell_type == "code":
                    _execute(kernel, cell)
        except (RuntimeError, websocket.WebSocketException) as error:
            wrong = f"{type(error).__name__} {error}"[:300]
    kernel.close()
    # how many pages of the libraries' files are mapped is up to the system, which can drop them at any time
    own, all_pages = max((it.rss - it.shared, it.rss) for it in samples)
    if own > most * 1e6:
        wrong = wrong or "needs too much memory"
    held = f"{own / 1e6:4.0f} MB, {all_pages / 1e6:4.0f} MB with files"
    print(f"{path.stem:36} {time.monotonic() - started:6.1f} s {held}  {wrong or 'ok'}", flush=True)
    return not wrong


def _execute(kernel, cell):
    may_fail = "raises-exception" in cell.metadata.get("tags", ())
    with contextlib.suppress(RuntimeError) if may_fail else contextlib.nullcontext():
        kernel.execute(cell.source)


def run_tests(place):
    """Run those of the tests that are about the package alone; return whether they passed."""
    chosen = [str(path) for name in TESTS.split() for path in place.project.glob(f"tests/test_{name}.py")]
    command = [place.program("python"), "-m", "pytest", "-q", "-n", "auto", "--dist", "loadgroup", *chosen]
    return subprocess.run(command, cwd=place.project).returncode == 0


PLACES = {place.__name__: place for place in (binder, colab, oldest, newest)}


def main():
    """Make a place, and run what is run there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=PLACES)
    name = parser.parse_args().name
    with tempfile.TemporaryDirectory(prefix="places-") as folder:
        place = Place(Path(folder))
        PLACES[name](place)
        place.run(place.program("python"), "-c", VERSIONS)
        if name in ("binder", "colab"):
            os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        well = run_chapters(place, MEMORY if name == "binder" else math.inf)
        if name in ("oldest", "newest"):
            well &= run_tests(place)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
