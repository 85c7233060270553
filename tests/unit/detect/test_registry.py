"""The registry: add-ons come in by entry point; a broken one is named and the others go on."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lapwing.detect.registry import detectors, survey

GOOD = """
from lapwing.detect.media.known_picture import KnownPicture

class Polite(KnownPicture):
    name = "polite"
"""

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package with one module and one entry point, as pip would lay it out."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, source: str) -> None:
        module = f"addon_{name}"
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            f"[lapwing.detectors]\n{name} = {module}:{name.capitalize()}\n"
        )
        monkeypatch.delitem(sys.modules, module, raising=False)

    return write


def test_a_detector_of_another_package_is_found_after_our_own(install: Install) -> None:
    install("polite", GOOD)
    assert [found.name for found in detectors()] == [
        "known_link",
        "known_picture",
        "known_video",
        "polite",
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise OSError('no model file')", "OSError: no model file"),
        ("import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("Rude = object()", "lacks name"),
        (GOOD.replace("Polite", "Rude").replace('"polite"', '"known_link"'), "is taken"),
        (GOOD.replace("Polite", "Rude").replace('"polite"', '"not a name"'), "not of the form"),
        (GOOD.replace("Polite", "Rude") + "    kinds = frozenset({'letter'})\n", "letter"),
        (GOOD.replace("Polite", "Rude") + "    family = 'astrology'\n", "astrology"),
        (GOOD.replace("Polite", "Rude") + "    version = ''\n", "version"),
        ("class Rude:\n    def __init__(self): raise ValueError('no key')", "ValueError: no key"),
    ],
)
def test_a_broken_add_on_is_named_and_the_others_go_on(
    install: Install, caplog: pytest.LogCaptureFixture, source: str, said: str
) -> None:
    install("rude", source)
    install("polite", GOOD)
    found = survey()
    assert [detector.name for detector in found.detectors][-1] == "polite"
    assert len(found.detectors) == 4
    (broken,) = found.broken
    assert (broken.entry_point, broken.package) == ("rude", "addon_rude")
    assert said in broken.reason
    with caplog.at_level(logging.ERROR):
        detectors()
    assert "rude of addon_rude is not in use" in caplog.text
