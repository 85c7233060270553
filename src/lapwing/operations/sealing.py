"""A stream sealed with age, to recipients or under a passphrase, in memory of constant size.

A sealed file is one line of JSON and then an age stream (https://age-encryption.org/v1):

    {"format": "lapwing-backup/1", "key": null}
    age-encryption.org/v1 …

age streams are sealed to keys. Under a passphrase a key is made for this file alone, and `key`
holds it, sealed with the passphrase (scrypt), in base64. By hand: `tail -n +2 FILE | age -d`.
"""

from __future__ import annotations

import base64
import binascii
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

import msgspec
import pyrage
from pyrage import x25519

from lapwing.model.errors import IntegrityBroken, InvalidInput, LapwingError, NotAllowed
from lapwing.operations.passphrase import seal, unseal

FORMAT = "lapwing-backup/1"
LONGEST_HEADER = 1 << 16


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: str
    key: str | None = None


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """What seals: recipients (`age1…`), or a passphrase."""

    recipients: tuple[str, ...] = ()
    passphrase: str | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What opens: identities (`AGE-SECRET-KEY-1…`), or a passphrase."""

    identities: tuple[str, ...] = ()
    passphrase: str | None = None


def identities_in(text: str) -> tuple[str, ...]:
    """The identities of an age key file, whose other lines are comments."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


@contextmanager
def sealed(file: BinaryIO, lock: Lock) -> Iterator[BinaryIO]:
    """A stream to write to; everything is sealed into `file` when the block ends without error.

    Raises InvalidInput for a recipient that is none or when nothing seals, and OSError when the
    file cannot be written.
    """
    header, recipients = _locked(lock)
    file.write(msgspec.json.encode(header) + b"\n")
    read, write = os.pipe()
    into = os.fdopen(write, "wb")

    out = _Remembering(file)

    def run() -> None:
        with os.fdopen(read, "rb") as source:
            try:
                pyrage.encrypt_io(source, out, recipients)
            except pyrage.EncryptError as error:
                # age tells of a full disk in words only.
                raise out.error or error from error

    with _beside(run) as failed:
        try:
            yield into
            into.close()
        except BrokenPipeError:
            if not failed:
                raise
        finally:
            _close(into)
    if failed:
        raise failed[0]


@contextmanager
def opened(file: BinaryIO, key: Key) -> Iterator[BinaryIO]:
    """The stream that was sealed. What was read holds only once the block has ended.

    Raises InvalidInput for a file that is no backup, NotAllowed when the key does not open it, and
    IntegrityBroken when it was cut short or changed, also where reading it failed for that reason.
    """
    identities = _identities(_header(file), key)
    read, write = os.pipe()
    source = os.fdopen(read, "rb")
    left = threading.Event()

    def unseal() -> None:
        try:
            with os.fdopen(write, "wb") as into:
                pyrage.decrypt_io(file, into, identities)
        except OSError:
            # Nobody reads any more: then the reader's error is the one to tell.
            if not left.is_set():
                raise

    error: LapwingError | tarfile.TarError | EOFError | None = None
    with _beside(unseal) as failed:
        try:
            yield source
        except (LapwingError, tarfile.TarError, EOFError) as read_error:
            error = read_error
        finally:
            left.set()
            _close(source)
    if failed:
        if isinstance(failed[0], pyrage.DecryptError):
            raise NotAllowed("the key does not open this backup") from failed[0]
        raise IntegrityBroken("the backup was cut short or changed") from failed[0]
    if isinstance(error, LapwingError):
        raise error
    if error is not None:
        raise IntegrityBroken("the backup ends too early") from error


class _Remembering:
    """A file to write to that keeps the error that writing met."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, content: bytes) -> int:
        try:
            return self._file.write(content)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            self.error = error
            raise


@contextmanager
def _beside(work: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Do `work` in a thread while the block runs, and wait for both; yields what went wrong."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except (pyrage.DecryptError, pyrage.EncryptError, OSError, ValueError) as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="sealing", daemon=True)
    thread.start()
    try:
        yield failed
    finally:
        thread.join()


def _close(stream: BinaryIO) -> None:
    with suppress(OSError):
        stream.close()


def _locked(lock: Lock) -> tuple[Header, Sequence[x25519.Recipient]]:
    if lock.passphrase:
        own = x25519.Identity.generate()
        key = seal(str(own).encode(), lock.passphrase)
        return Header(format=FORMAT, key=base64.b64encode(key).decode()), [own.to_public()]
    if not lock.recipients:
        raise InvalidInput("name a recipient or a passphrase", field="recipient")
    try:
        recipients = [x25519.Recipient.from_str(one.strip()) for one in lock.recipients]
    except pyrage.RecipientError as error:
        raise InvalidInput("is not an age recipient (age1…)", field="recipient") from error
    return Header(format=FORMAT), recipients


def _header(file: BinaryIO) -> Header:
    line = file.readline(LONGEST_HEADER)
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("this is not a backup of Lapwing", field="file") from error
    if header.format != FORMAT:
        raise InvalidInput("this backup is of another Lapwing's format", field="file")
    return header


def _identities(header: Header, key: Key) -> Sequence[x25519.Identity]:
    if header.key is not None:
        if not key.passphrase:
            raise NotAllowed("this backup is sealed under a passphrase")
        try:
            own = unseal(base64.b64decode(header.key), key.passphrase)
            return [x25519.Identity.from_str(own.decode())]
        except (NotAllowed, pyrage.IdentityError, binascii.Error, ValueError) as error:
            raise NotAllowed("the passphrase does not open this backup") from error
    if not key.identities:
        raise NotAllowed("this backup is sealed to a recipient: its key file is needed")
    try:
        return [x25519.Identity.from_str(one) for one in key.identities]
    except pyrage.IdentityError as error:
        raise InvalidInput("is not an age key (AGE-SECRET-KEY-1…)", field="key") from error
