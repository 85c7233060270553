"""The console's colours: text is readable in both schemes (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re

import pytest

from lapwing.web.console.static import FOLDER

TEXT = 4.5
EDGES = 3.0
ON = {
    "ink": ("ground", "sheet", "blue-ground"),
    "soft": ("ground", "sheet", "blue-ground"),
    "lead": ("ground", "sheet"),
    "lead-ink": ("lead",),
    "amber": ("amber-ground", "sheet"),
    "red": ("red-ground", "sheet"),
    "green": ("green-ground", "sheet"),
}
"""Which colour of text stands on which ground."""


def palettes() -> dict[str, dict[str, str]]:
    """The custom properties of the style sheet that are colours, by scheme."""
    style = (FOLDER / "console.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    )
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2 definitions."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    shares = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_computed_as_the_standard_has_it() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_on_every_ground_it_stands_on(scheme: str) -> None:
    palette = palettes()[scheme]
    for text, grounds in ON.items():
        for ground in grounds:
            found = contrast(palette[text], palette[ground])
            assert found >= TEXT, f"{text} on {ground}: {found:.2f}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_focus_and_the_edges_of_fields_are_seen(scheme: str) -> None:
    palette = palettes()[scheme]
    for edge in ("lead", "soft"):
        for ground in ("ground", "sheet"):
            assert contrast(palette[edge], palette[ground]) >= EDGES


def test_no_colour_is_written_past_the_palette() -> None:
    style = (FOLDER / "console.css").read_text()
    rules = re.sub(r":root \{.*?\}", "", style, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{}]*[;}])|rgba?\(|hsla?\(", rules) == []
