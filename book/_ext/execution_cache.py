"""Sphinx extension: execute what has changed, in parallel, and nothing else; fail again until it is mended.

jupyter-cache knows a notebook by its code cells only: change the package or a pinned version, and the book would
silently keep its old pictures. So the cache's folder is named after everything else that an output depends on.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from jupyter_cache.base import ProjectNb
from jupyter_cache.executors.utils import ExecutionResult, create_cache_bundle, single_nb_execution
from myst_nb.core.read import is_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)


def digest(root: Path) -> str:
    """Fingerprint of the package's files, the pinned versions and the Python version."""
    hash = hashlib.sha256(platform.python_version().encode())
    files = [p for p in (root / "src").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    for path in [root / "constraints.txt", *sorted(files)]:
        hash.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return hash.hexdigest()[:12]


def choose_folder(app: Sphinx, config: Config) -> None:
    """Name the cache's folder after the digest, and drop the folders of earlier digests.

    Sphinx sees that the setting has changed, and reads every page again.
    """
    folder = Path(app.outdir).parent / ".jupyter_cache" / digest(Path(app.srcdir))
    for stale in folder.parent.glob("*"):
        if stale != folder:
            shutil.rmtree(stale, ignore_errors=True)
    config.nb_execution_cache_path = str(folder)


def execute_in_parallel(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Before Sphinx reads them one by one, run the notebooks that the cache does not hold, one to a core.

    Threads will do, as each kernel is a process of its own. Only this thread writes to the cache: with jupyter-cache's
    parallel executor every process does, and now and then one deletes what another has just written.
    A notebook that fails here is run once more when Sphinx reads it, which reports the traceback as a warning.
    """
    cache = get_cache(app.config.nb_execution_cache_path)
    pending = []
    for path in (Path(env.doc2path(name)) for name in docnames):
        if path.suffix == ".ipynb":
            cache.add_nb_to_project(str(path))
        elif is_myst_markdown_notebook(path.read_text(encoding="utf-8")):
            cache.add_nb_to_project(str(path), read_data={"name": "myst_nb_md", "type": "plugin"})
        else:
            continue
        pending += [cache.get_project_notebook(record.uri) for record in cache.list_unexecuted(filter_uris=[str(path)])]
    if not pending:
        return
    logger.info("executing %d notebooks: %s", len(pending), ", ".join(Path(notebook.uri).name for notebook in pending))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(_run, notebook, app.config.nb_execution_timeout) for notebook in pending]
        for notebook, done in zip(pending, running, strict=True):
            if done.exception() is None and done.result().err is None:
                bundle = create_cache_bundle(notebook, done.result().cwd, None, done.result().time, None)
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def _run(notebook: ProjectNb, timeout: int) -> ExecutionResult:
    return single_nb_execution(notebook.nb, cwd=str(Path(notebook.uri).parent), timeout=timeout, allow_errors=False)


def forget_failure(app: Sphinx, exception: Exception | None) -> None:
    """After a build with warnings, have the next one read every page again: Sphinx would not repeat the warnings."""
    if exception is not None or app._warncount:
        (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("config-inited", choose_folder, priority=1000)
    app.connect("env-before-read-docs", execute_in_parallel)
    app.connect("build-finished", forget_failure)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
