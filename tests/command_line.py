"""The real command line in this process, for tests: what a command printed and how it ended."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from lapwing.cli.main import run


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Lapwing = Callable[..., Answer]


def command_line(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lapwing:
    """`lapwing("bank", "lists", "--json")`; `stdin` is what is piped in."""

    def command(*arguments: object, stdin: bytes | None = None) -> Answer:
        capfd.readouterr()
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return Answer(code, said.out, said.err)

    return command


def set_environment(monkeypatch: pytest.MonkeyPatch, home: Path, database_url: str) -> None:
    """What the commands find in their environment, whatever stands in that of the tests."""
    for name in ("ORGANISATION", "MEMBER_TOKEN", "PORT", "HOST", "SECRETS", "BLOBS_URL"):
        monkeypatch.delenv(f"LAPWING_{name}", raising=False)
    monkeypatch.setenv("LAPWING_HOME", str(home))
    monkeypatch.setenv("LAPWING_DATABASE_URL", database_url)
    monkeypatch.setenv("USER", "tester")


def drawing(path: Path, shift: int = 0) -> Path:
    """A benign drawing with enough in it for a good hash; each `shift` another one."""
    image = Image.new("RGB", (256, 192), "white")
    brush = ImageDraw.Draw(image)
    for step in range(12):
        left = (step * 37 + shift) % 256
        brush.ellipse((left, step * 15, left + 60, step * 15 + 45), fill=(step * 20, 90, 160))
    image.save(path)
    return path
