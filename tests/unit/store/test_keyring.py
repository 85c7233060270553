from __future__ import annotations

import stat
import threading
from pathlib import Path
from uuid import UUID

import pyrage
import pytest

from lapwing.model.errors import Unavailable
from lapwing.store.clock import new_id
from lapwing.store.keyring import Keyring, key_id


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "secrets"


@pytest.fixture
def tenant() -> UUID:
    return new_id()


def use_everything(keyring: Keyring, tenant: UUID) -> tuple[object, ...]:
    signing_id, _ = keyring.signing_key(tenant)
    return keyring.account_secret(tenant), signing_id, str(keyring.vault_identity(tenant))


def test_keys_are_made_once_and_found_again(folder: Path, tenant: UUID) -> None:
    first = Keyring(folder)
    made = use_everything(first, tenant)
    assert use_everything(first, tenant) == made
    assert use_everything(Keyring(folder), tenant) == made
    version, secret = first.account_secret(tenant)
    assert (version, len(secret)) == (1, 32)


def test_organisations_share_no_key(folder: Path, tenant: UUID) -> None:
    keyring = Keyring(folder)
    for mine, theirs in zip(
        use_everything(keyring, tenant), use_everything(keyring, new_id()), strict=True
    ):
        assert mine != theirs


def test_files_and_folders_are_private(folder: Path, tenant: UUID) -> None:
    use_everything(Keyring(folder), tenant)
    found = sorted(folder.rglob("*"))
    assert [path.name for path in found] == [
        str(tenant),
        "account-1.key",
        "signing-1.pem",
        "vault-1.age",
    ]
    for path in [folder, *found]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected


def test_makers_at_the_same_moment_agree(folder: Path, tenant: UUID) -> None:
    start = threading.Barrier(8)
    made: list[tuple[object, ...]] = []

    def work() -> None:
        start.wait(10)
        made.append(use_everything(Keyring(folder), tenant))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 8
    assert len(set(made)) == 1
    assert len(list((folder / str(tenant)).iterdir())) == 3


def test_a_retired_key_verifies_and_signs_no_more(folder: Path, tenant: UUID) -> None:
    keyring = Keyring(folder)
    old_id, old = keyring.signing_key(tenant)
    signature = old.sign(b"before")
    new_name, public = keyring.new_signing_key(tenant)
    assert key_id(tenant, public) == new_name != old_id
    assert Keyring(folder).signing_key(tenant, old_id)[0] == old_id
    assert keyring.retire_signing_keys(tenant, new_name) == (old_id,)
    assert keyring.retire_signing_keys(tenant, new_name) == ()
    fresh = Keyring(folder)
    assert fresh.signing_key(tenant)[0] == new_name
    with pytest.raises(Unavailable, match=old_id):
        fresh.signing_key(tenant, old_id)
    keys = fresh.verify_keys(tenant)
    assert set(keys) == {old_id, new_name}
    keys[old_id].verify(signature, b"before")
    assert all(key_id(tenant, key) == name for name, key in keys.items())
    third, _ = fresh.new_signing_key(tenant)
    assert third not in keys
    names = {path.name for path in (folder / str(tenant)).iterdir()}
    assert names == {"signing-1.pub", "signing-2.pem", "signing-3.pem"}


def test_nothing_signed_means_no_keys(folder: Path, tenant: UUID) -> None:
    assert Keyring(folder).verify_keys(tenant) == {}
    assert not folder.exists()


def test_the_vault_identity_opens_what_was_sealed_to_it(folder: Path, tenant: UUID) -> None:
    sealed = pyrage.encrypt(b"content", [Keyring(folder).vault_identity(tenant).to_public()])
    assert pyrage.decrypt(sealed, [Keyring(folder).vault_identity(tenant)]) == b"content"


@pytest.mark.parametrize("name", ["account-1.key", "signing-1.pem", "vault-1.age"])
def test_a_damaged_file_is_named_and_never_replaced(folder: Path, tenant: UUID, name: str) -> None:
    use_everything(Keyring(folder), tenant)
    path = folder / str(tenant) / name
    path.write_bytes(b"damaged")
    with pytest.raises(Unavailable, match=name):
        use_everything(Keyring(folder), tenant)
    assert path.read_bytes() == b"damaged"
