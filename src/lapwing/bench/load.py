"""Load on a web server of this machine: by `wrk` where it is installed, else by a client here.

Both keep their connections and send the next request when the last one is answered, so that what
waits is never counted as done.
"""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from msgspec import Struct, convert

WRK = "wrk"
OURS = "own client"
_SCRIPT = """
local requests, at = {}, 0
init = function(arguments)
  local headers = {}
  for line in io.lines(arguments[1]) do
    local name, value = line:match("^([^:]+): (.*)$")
    headers[name] = value
  end
  for line in io.lines(arguments[2]) do
    requests[#requests + 1] = wrk.format(arguments[3], arguments[4], headers, line)
  end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\n{"calls": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6,
    latency:percentile(99) / 1e6, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class Load(Struct, frozen=True, kw_only=True):
    """What was answered. `p50`, `p99` are seconds; `cpu` those of processor of the generator."""

    calls: int
    seconds: float
    p50: float
    p99: float
    errors: int
    """Calls without an answer, or with another status than 200."""
    cpu: float = 0.0


def generator() -> str:
    """The name of the generator that `press` uses."""
    return WRK if shutil.which(WRK) else OURS


def press(
    address: str,
    path: str,
    bodies: Sequence[bytes],
    *,
    headers: dict[str, str],
    method: str = "POST",
    seconds: float,
    connections: int,
    with_wrk: bool | None = None,
) -> Load:
    """Send `bodies` (JSON without line breaks) one after another, all over again, for so long.

    Waits for the generator, a process of its own. Raises OSError, CalledProcessError.
    """
    with tempfile.TemporaryDirectory(prefix="lapwing-load-") as folder:
        place = Path(folder)
        (place / "script.lua").write_text(_SCRIPT)
        (place / "headers").write_text("".join(f"{n}: {v}\n" for n, v in headers.items()))
        (place / "bodies").write_bytes(b"".join(body + b"\n" for body in bodies))
        files = [str(place / "headers"), str(place / "bodies"), method, path]
        if shutil.which(WRK) if with_wrk is None else with_wrk:
            shape = [f"-c{connections}", "-t1", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
            command = [WRK, *shape, "--latency", "-s", str(place / "script.lua"), address]
            command += ["--", *files]
        else:
            command = [sys.executable, "-m", __name__, address, str(seconds), str(connections)]
            command += files
        before = _children_cpu()
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        told = json.loads(done.stdout.splitlines()[-1])
        return convert(told | {"cpu": _children_cpu() - before}, Load)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _press(address: str, requests: Sequence[bytes], seconds: float, connections: int) -> Load:
    host, _, port = address.removeprefix("http://").partition(":")
    times: list[float] = []
    errors = 0
    start = perf_counter()
    until = start + seconds

    async def one(number: int) -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection(host, int(port))
        at = number * len(requests) // connections
        while (sent := perf_counter()) < until:
            writer.write(requests[at % len(requests)])
            at += 1
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            errors += not head.startswith(b"HTTP/1.1 200")
            times.append(perf_counter() - sent)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(connections)))
    passed = perf_counter() - start
    times.sort()
    p50, p99 = (times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.99))
    return Load(calls=len(times), seconds=passed, p50=p50, p99=p99, errors=errors)


def _main() -> None:
    """The small client, as a process: `press` starts it."""
    address, seconds, connections, headers, bodies, method, path = sys.argv[1:]
    host = address.removeprefix("http://")
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
    head += "".join(line + "\r\n" for line in Path(headers).read_text().splitlines())
    requests = [
        f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        for body in Path(bodies).read_bytes().splitlines() or [b""]
    ]
    done = asyncio.run(_press(address, requests, float(seconds), int(connections)))
    sys.stdout.write(
        json.dumps({name: getattr(done, name) for name in done.__struct_fields__}) + "\n"
    )


if __name__ == "__main__":
    _main()
