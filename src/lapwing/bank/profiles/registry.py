"""The profiles that ship with Lapwing, and those of an operator's own files."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from lapwing.bank.profiles.rows import Profile, fault
from lapwing.model.errors import InvalidInput

LONGEST = 256 * 1024


@cache
def profiles() -> dict[str, Profile]:
    """Every shipped profile by name."""
    folder = files("lapwing.bank.profiles").joinpath("data")
    found = [
        read_profile(file.read_bytes(), file.name)
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    ]
    return {profile.name: profile for profile in found}


def profile_named(name: str) -> Profile:
    """A shipped profile by its name, or one from a TOML file by its path. Raises InvalidInput."""
    if name in profiles():
        return profiles()[name]
    path = Path(name)
    if path.suffix != ".toml":
        known = ", ".join(profiles())
        raise InvalidInput(
            f"there is no profile {name!r}; there are {known}, or a .toml file of your own",
            field="profile",
        )
    with path.open("rb") as stream:
        return read_profile(stream.read(LONGEST + 1), path.name)


def read_profile(data: bytes, file: str) -> Profile:
    """One TOML document. Raises InvalidInput naming the file and what is wrong."""
    if len(data) > LONGEST:
        raise InvalidInput(f"{file}: longer than {LONGEST:,} bytes", field="profile")
    try:
        profile = msgspec.toml.decode(data, type=Profile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file}: {error}", field="profile") from error
    wrong = fault(profile)
    if wrong:
        raise InvalidInput(f"{file}: {wrong}", field="profile")
    return profile
