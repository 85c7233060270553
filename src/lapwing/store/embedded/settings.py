"""The server's settings, written anew at each start, outside what the server itself may change.

No TCP: only the socket in a private folder. The superuser comes in by peer only, and Lapwing's own
role by password. A commit is on the disk before it is acknowledged. The log names no values: what
people typed or sent must not leak into it.
"""

from __future__ import annotations

from pathlib import Path

from lapwing.store.embedded.account import Account
from lapwing.store.embedded.place import Place, write_private

OWNER = "lapwing"
SUPERUSER = "postgres"


def write_settings(place: Place, account: Account, sockets: Path) -> Path:
    """Write the three files and return the path of the main one."""
    hba = place.folder / "pg_hba.conf"
    ident = place.folder / "pg_ident.conf"
    main = place.folder / "postgresql.conf"
    write_private(
        hba,
        f"local all {SUPERUSER} peer map=server\nlocal all all scram-sha-256\n",
        mode=0o644,
    )
    write_private(ident, f'server "{account.name}" {SUPERUSER}\n', mode=0o644)
    values = {
        "hba_file": _text(hba),
        "ident_file": _text(ident),
        "listen_addresses": "''",
        "unix_socket_directories": _text('"' + str(sockets).replace('"', '""') + '"'),
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "password_encryption": "'scram-sha-256'",
        "shared_buffers": "'64MB'",
        "work_mem": "'8MB'",
        "maintenance_work_mem": "'64MB'",
        "effective_cache_size": "'512MB'",
        "random_page_cost": "1.1",
        "jit": "off",
        "io_workers": "1",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_buffers": "'16MB'",
        "min_wal_size": "'80MB'",
        "max_wal_size": "'1GB'",
        "checkpoint_timeout": "'15min'",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "logging_collector": "on",
        "log_directory": _text(place.log),
        "log_filename": "'server-%a.log'",
        "log_file_mode": "0600",
        "log_rotation_age": "'1d'",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_line_prefix": "'%m [%p] '",
        "log_checkpoints": "off",
        "log_error_verbosity": "terse",
        # The text of an error may quote a value; who asked logs its SQLSTATE.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
    }
    lines = [f"include {_text(place.data / 'postgresql.conf')}"]
    lines += [f"{name} = {value}" for name, value in values.items()]
    write_private(main, "\n".join(lines) + "\n", mode=0o644)
    return main


def _text(value: Path | str) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"
