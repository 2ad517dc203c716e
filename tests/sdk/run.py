#!/usr/bin/env python3
"""Drives all operations of a running server with the vendor's SDKs.

    REPRISE_ENDPOINT=127.0.0.1:8080 REPRISE_KEY_ID=… REPRISE_KEY_SECRET=… python3 tests/sdk/run.py [pytest arguments]

REPRISE_RTMP=rtmp://127.0.0.1:1935 has a stream recorded first, so that the operations on videos have one. The SDKs are
installed into target/sdk of the repository once. Without node the pop-core tests are left out, and a line says so.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target")) / "sdk"


def python():
    """The interpreter of an environment that has what requirements.txt asks for."""
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


def main():
    missing = [name for name in ("REPRISE_ENDPOINT", "REPRISE_KEY_ID", "REPRISE_KEY_SECRET") if not os.environ.get(name)]
    if missing:
        sys.exit(f"set {', '.join(missing)}: see the top of {Path(__file__).name}")
    environment = dict(os.environ) | {"PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "*"}
    if home := pop_core():
        environment["POP_CORE_HOME"] = str(home)
    tests = [python(), "-m", "pytest", "-q", "-p", "no:cacheprovider", *sys.argv[1:]]
    sys.exit(subprocess.run(tests, cwd=HERE, env=environment).returncode)


if __name__ == "__main__":
    main()
