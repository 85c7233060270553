"""The detector printed in docs/detectors.md works as printed."""

from __future__ import annotations

import re
from pathlib import Path

from lapwing.detect.checks import faults
from lapwing.detect.contract import Detector
from lapwing.detect.registry import survey

PAGE = Path(__file__).parents[3].joinpath("docs/detectors.md").read_text("utf-8")


def test_the_printed_detector_keeps_the_contract() -> None:
    (source, *_) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {"__name__": "printed"}
    exec(compile(source, "docs/detectors.md", "exec"), names)  # noqa: S102 - our own page
    detector = names["DETECTOR"]
    assert isinstance(detector, Detector)
    assert faults(detector) == []


def test_every_built_in_detector_is_named_on_the_page() -> None:
    for detector in survey().detectors:
        assert f"`{detector.name}`" in PAGE
