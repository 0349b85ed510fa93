"""The distributions that requirements ask for, with everything that these require in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

# Systems name the module's usual distribution; the build without GPU has another name.
ALSO = {"tensorflow": "tensorflow-cpu"}
Found = metadata.Distribution | None
NOWHERE: Mapping[str, Found] = {}


def find(asked: Requirement, apart: Mapping[str, Found] = NOWHERE) -> Found:
    """The distribution that meets a requirement.

    apart: distributions that lie unpacked somewhere, by requirement or by name; None: it could
    not be had, and what is installed under that name is something else.
    """
    for key in (str(asked), canonicalize_name(asked.name)):
        if key in apart:
            return apart[key]
    for name in (asked.name, ALSO.get(asked.name)):
        try:
            return metadata.distribution(name) if name else None
        except metadata.PackageNotFoundError:
            continue
    return None


def closure(
    texts: Sequence[str], apart: Mapping[str, Found] = NOWHERE
) -> tuple[dict[str, metadata.Distribution], list[str]]:
    """Distributions of requirements and of all that these require, by name; what is absent."""
    waiting = list(texts)
    found: dict[str, metadata.Distribution] = {}
    absent: set[str] = set()
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        try:
            asked = Requirement(waiting.pop())
        except InvalidRequirement as error:
            absent.add(str(error).splitlines()[0])
            continue
        key = (str(asked), tuple(sorted(asked.extras)))
        if key in seen:
            continue
        seen.add(key)
        one = find(asked, apart)
        if one is None:
            absent.add(canonicalize_name(asked.name))
            continue
        found[canonicalize_name(one.name)] = one
        waiting += [text for text in one.requires or () if applies(text, asked.extras)]
    return found, sorted(absent)


def applies(text: str, extras: set[str]) -> bool:
    """Whether a requirement of a distribution counts here, installed with these extras."""
    try:
        marker = Requirement(text).marker
    except InvalidRequirement:
        return True  # so that it is listed as absent
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))
