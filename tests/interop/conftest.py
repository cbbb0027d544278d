"""The independent charge point, installed once into pytest's cache."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def charge_point_js(pytestconfig) -> Path:
    """The script, next to its packages. Skips where node or npm are missing or cannot install."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: the independent charge point cannot run")
    folder = Path(pytestconfig.cache.mkdir("interop"))
    wanted = (HERE / "package.json").read_text()
    manifest, stamp = folder / "package.json", folder / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        manifest.write_text(wanted)
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180)
        if done.returncode:
            pytest.skip(f"npm cannot install ocpp-rpc: {done.stderr.strip().splitlines()[-1:]}")
        stamp.write_text(wanted)
    script = folder / "charge_point.js"
    script.write_text((HERE / "charge_point.js").read_text())
    return script
