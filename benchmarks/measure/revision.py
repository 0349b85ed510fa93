"""A git revision as a folder of files: what `compare` measures.

`git archive` writes the files out and registers nothing in the repository, so however a comparison
ends, only the folder in its workspace has to be removed.
"""

from __future__ import annotations

import dataclasses
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

from benchmarks.errors import UsageError
from benchmarks.paths import ask_git

LEFT_OUT = (":(exclude)results", ":(exclude)reports")  # rows and pictures are not code
CODE = ("*.py", "*.toml")


@dataclasses.dataclass(frozen=True)
class Revision:
    """A commit, and the name that the user gave for it."""

    name: str
    commit: str
    repository: Path

    @property
    def label(self) -> str:
        """Its name and the first digits of its hash."""
        short = self.commit[:9]
        return short if self.commit.startswith(self.name) else f"{self.name} ({short})"

    def write(self, folder: Path) -> None:
        """Write the files of this commit into a new folder."""
        folder.mkdir()
        command = ["git", "-C", str(self.repository), "archive", "--format=tar", self.commit]
        with subprocess.Popen(
            [*command, "--", ".", *LEFT_OUT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as archive:
            assert archive.stdout is not None
            with tarfile.open(fileobj=archive.stdout, mode="r|") as files:
                files.extractall(folder, filter="data")
        if archive.returncode:
            raise UsageError(f"git cannot write out the files of {self.label}")


def find_repository(folder: Path) -> Path:
    """Return the repository around a folder. UsageError if there is none."""
    top = ask_git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        raise UsageError(
            "there is no git repository here; run the command from a checkout, or name two runs"
        )
    return Path(top)


def find_revision(name: str, repository: Path) -> Revision | None:
    """Return the commit that a name stands for; None if it stands for none."""
    if name.startswith("-"):
        return None
    commit = ask_git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return Revision(name, commit, repository) if commit else None


def check_committed(revision: Revision) -> None:
    """Raise UsageError if the name means the checkout and this has uncommitted changes."""
    branch = ask_git(revision.repository, "symbolic-ref", "--quiet", "--short", "HEAD")
    if revision.name not in ("HEAD", "@", branch):
        return
    changed = ask_git(
        revision.repository, "status", "--porcelain", "--untracked-files=no", "--", *CODE
    )
    if changed:
        files = [line.split(maxsplit=1)[1] for line in changed.splitlines()]
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        raise UsageError(
            f"{files[0]}{more} changed and not committed, and uncommitted changes are not"
            f" measured: commit or stash them, or name the commit {revision.commit[:9]}"
        )


def measure_package(folder: Path) -> int:
    """Return the bytes of a package's files in a zip archive: a wheel without build metadata."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = str(path.relative_to(folder))
                archive.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.tell()
