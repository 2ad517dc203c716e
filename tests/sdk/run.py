#!/usr/bin/env python3
"""Drives all operations with the vendor's SDKs, against a server of its own or one that runs.

    python3 tests/sdk/run.py --server target/debug/reprise [pytest arguments]
    REPRISE_ENDPOINT=127.0.0.1:8080 REPRISE_KEY_ID=… REPRISE_KEY_SECRET=… python3 tests/sdk/run.py [pytest arguments]

With REPRISE_RTMP=rtmp://127.0.0.1:1935 and ffmpeg a stream is recorded first, so that the operations on videos have one
(with --server always). What the SDKs need is installed into target/sdk once, unless this interpreter has it. Without node
the pop-core tests are left out, and a line says so.
"""

import contextlib
import hashlib
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target")) / "sdk"
# The shortest interruption that the server under test allows, so that a recording ends soon after its push.
DELAY_SECONDS = "2"
# The shortest cycle that it allows, so that a push of seconds becomes several videos.
CYCLE_SECONDS = "3"


def python():
    """The interpreter of an environment that has what requirements.txt asks for."""
    needed = ("alibabacloud_vod20170321", "alibabacloud_live20161101", "aliyunsdkcore", "aliyunsdkvod", "aliyunsdklive", "oss2", "pytest")
    if all(importlib.util.find_spec(name) for name in needed):
        return sys.executable
    wanted = hashlib.sha256((HERE / "requirements.txt").read_bytes()).hexdigest()
    stamp, interpreter = HOME / "python.stamp", HOME / "python" / "bin" / "python"
    if not (stamp.exists() and stamp.read_text() == wanted):
        venv.create(HOME / "python", with_pip=True, clear=True)
        install = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    return interpreter


def pop_core():
    """The folder whose node_modules has pop-core; None without node."""
    if not (shutil.which("node") and shutil.which("npm")):
        print("node and npm are not installed: the pop-core tests are left out", file=sys.stderr)
        return None
    home, wanted = HOME / "node", (HERE / "package.json").read_text()
    installed = home / "package.json"
    if not (installed.exists() and installed.read_text() == wanted and (home / "node_modules").is_dir()):
        home.mkdir(parents=True, exist_ok=True)
        installed.write_text(wanted)
        npm = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
        subprocess.run(npm, cwd=home, check=True)
    return home


@contextlib.contextmanager
def running(server):
    """A server with a data folder and a key of its own; the environment in which the tests find it."""
    http, rtmp = free_port(), free_port()
    key_id, key_secret = "sdk-tests", secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="reprise-sdk-") as data:
        settings = {
            "REPRISE_HTTP__LISTEN": f"127.0.0.1:{http}",
            "REPRISE_RTMP__LISTEN": f"127.0.0.1:{rtmp}",
            "REPRISE_AUTH__ACCESS_KEY_ID": key_id,
            "REPRISE_AUTH__ACCESS_KEY_SECRET": key_secret,
            "REPRISE_RECORDING__DELAY_SECONDS_MIN": DELAY_SECONDS,
            "REPRISE_RECORDING__CYCLE_SECONDS_MIN": CYCLE_SECONDS,
        }
        with open(Path(data) / "log", "w+b") as log:
            command = [server, "serve", "--data", Path(data) / "store"]
            process = subprocess.Popen(command, env=dict(os.environ) | settings, stdout=log, stderr=log)
            try:
                if not ready(process, f"http://127.0.0.1:{http}/readyz"):
                    log.seek(0)
                    sys.exit(f"the server did not start:\n{log.read().decode(errors='replace')}")
                yield {
                    "REPRISE_ENDPOINT": f"127.0.0.1:{http}",
                    "REPRISE_RTMP": f"rtmp://127.0.0.1:{rtmp}",
                    "REPRISE_KEY_ID": key_id,
                    "REPRISE_KEY_SECRET": key_secret,
                    "REPRISE_DELAY_SECONDS": DELAY_SECONDS,
                    "REPRISE_CYCLE_SECONDS": CYCLE_SECONDS,
                }
            finally:
                process.terminate()
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def ready(process, url):
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status == 200
        time.sleep(0.05)
    return False


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test(environment, arguments):
    environment = dict(os.environ) | {"PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "*"} | environment
    if home := pop_core():
        environment["POP_CORE_HOME"] = str(home)
    # -qq: the counts are printed by conftest.py, in the one form that `cargo xtask test` adds up.
    tests = [python(), "-m", "pytest", "-qq", "-rfEs", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(tests, cwd=HERE, env=environment).returncode


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--server"] and len(arguments) > 1:
        with running(Path(arguments[1]).resolve()) as environment:
            sys.exit(test(environment, arguments[2:]))
    missing = [name for name in ("REPRISE_ENDPOINT", "REPRISE_KEY_ID", "REPRISE_KEY_SECRET") if not os.environ.get(name)]
    if missing:
        sys.exit(f"set {', '.join(missing)}, or give --server: see the top of {Path(__file__).name}")
    sys.exit(test({}, arguments))


if __name__ == "__main__":
    main()
