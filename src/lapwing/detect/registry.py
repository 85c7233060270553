"""Finds the detectors: every module of `detect/<family>/`, then entry points of other packages.

A detector of our own that does not load is a fault of this package and raises. One of another
package that does not load is left out, and named: known pictures must go on being found when an
add-on is broken, and nobody may believe that the add-on is at work.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules

from msgspec import Struct

import lapwing.detect
from lapwing.detect.contract import Detector
from lapwing.model.errors import InvalidInput
from lapwing.model.findings import Family
from lapwing.model.items import ITEM_KINDS

GROUP = "lapwing.detectors"

_log = logging.getLogger(__name__)


class Broken(Struct, frozen=True):
    """An entry point that gives no usable detector. `reason` never quotes an item."""

    entry_point: str
    package: str
    reason: str


class Survey(Struct, frozen=True):
    """All detectors, our own first, each part ordered by name; and those that could not be used."""

    detectors: tuple[Detector, ...]
    broken: tuple[Broken, ...]


def survey() -> Survey:
    """Look for detectors. Raises InvalidInput when one of our own is faulty."""
    found: dict[str, Detector] = {}
    for detector in sorted(_own(), key=lambda detector: detector.name):
        wrong = fault(detector) or (f"{detector.name} is there twice" * (detector.name in found))
        if wrong:
            raise InvalidInput(f"built-in detector: {wrong}")
        found[detector.name] = detector
    broken: list[Broken] = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        answer = _of_others(point, found)
        if isinstance(answer, Broken):
            broken.append(answer)
        else:
            found[answer.name] = answer
    return Survey(tuple(found.values()), tuple(broken))


def detectors() -> tuple[Detector, ...]:
    """The detectors that can be used; the others are logged by name (`survey` lists them)."""
    surveyed = survey()
    for broken in surveyed.broken:
        _log.error(
            "detector %s of %s is not in use: %s", broken.entry_point, broken.package, broken.reason
        )
    return surveyed.detectors


def fault(candidate: object) -> str | None:
    """What keeps this from being a detector, or None. `detect.checks` tells how it behaves."""
    if not isinstance(candidate, Detector):
        return "it lacks name, version, family, kinds, detect or examples"
    if not (isinstance(candidate.name, str) and candidate.name.isidentifier()):
        return f"its name {candidate.name!r} is not of the form [a-z0-9_]"
    if not (isinstance(candidate.version, str) and candidate.version):
        return "its version is empty"
    if candidate.family not in set(Family):
        return f"its family {candidate.family!r} is none of {', '.join(Family)}"
    unknown = sorted(set(candidate.kinds) - set(ITEM_KINDS))
    if unknown or not candidate.kinds:
        return f"its kinds of item are unknown or none: {', '.join(unknown)}"
    return None


def _own() -> Iterator[Detector]:
    for folder in iter_modules(lapwing.detect.__path__, f"{lapwing.detect.__name__}."):
        if folder.ispkg:
            family = import_module(folder.name)
            for module in iter_modules(family.__path__, f"{folder.name}."):
                yield import_module(module.name).DETECTOR


def _of_others(point: EntryPoint, taken: dict[str, Detector]) -> Detector | Broken:
    package = point.dist.name if point.dist else "an unknown package"
    try:
        loaded = point.load()
        candidate = loaded() if isinstance(loaded, type) else loaded
    except Exception as error:  # noqa: BLE001 - code of others may raise anything at import
        return Broken(point.name, package, f"it does not load ({type(error).__name__}: {error})")
    wrong = fault(candidate)
    if wrong is None and candidate.name in taken:
        wrong = f"the name {candidate.name} is taken"
    return Broken(point.name, package, wrong) if wrong else candidate
