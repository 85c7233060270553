"""Runs one target under libFuzzer: fuzz/driver.py TARGET SECONDS."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent
TIMEOUT = 10
"""Seconds that one input may take."""
MEGABYTES = 1024
"""Memory of the whole process, unless the target says otherwise."""
UNCOUNTED = [
    "lapwing.intake.media.pdq",
    "lapwing.intake.media.shrink",
    "lapwing.intake.media.compile",
    "lapwing.intake.hash_lists.scanning",
    "lapwing.bank.index",
]
"""Compiled by numba, which cannot compile instrumented code."""


def main(name: str, seconds: str) -> None:
    sys.path.insert(0, str(HERE))
    with atheris.instrument_imports(include=["lapwing"], exclude=UNCOUNTED):
        target = importlib.import_module(f"targets.{name}")
    found = HERE / "found" / name
    corpus = HERE / "corpus" / name
    for folder in (found, corpus):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as seeds:
        for number, seed in enumerate(target.SEEDS):
            Path(seeds, str(number)).write_bytes(seed)
        known = [str(folder) for folder in (HERE / "regressions" / name,) if folder.is_dir()]
        atheris.Setup(
            [
                sys.argv[0],
                f"-max_total_time={seconds}",
                f"-timeout={TIMEOUT}",
                f"-rss_limit_mb={getattr(target, 'MEGABYTES', MEGABYTES)}",
                f"-max_len={getattr(target, 'LONGEST', 8192)}",
                f"-artifact_prefix={found}/",
                "-print_final_stats=1",
                "-verbosity=0",
                str(corpus),
                seeds,
                *known,
            ],
            target.one,
        )
        print(f"fuzzing {name} for {seconds} s", flush=True)
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:3])
