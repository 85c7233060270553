"""Every detector that is found keeps the contract. A new one is picked up here by itself."""

from __future__ import annotations

import pytest

from lapwing.detect.checks import faults
from lapwing.detect.contract import Detector
from lapwing.detect.registry import survey


@pytest.mark.parametrize("detector", survey().detectors, ids=lambda detector: detector.name)
def test_the_detector_keeps_its_contract(detector: Detector) -> None:
    assert faults(detector) == []


def test_the_built_in_detectors_are_found() -> None:
    assert {"known_picture", "known_link"} <= {found.name for found in survey().detectors}


def test_no_installed_detector_is_broken() -> None:
    assert survey().broken == ()
