"""Measures the range of each tensor of a network over pictures, for `quantise.py`. Not needed at set-up.

usage: calibrate.py --downloads DIR --pictures DIR > nanodet-g-416.ranges.json

The ranges decide what an 8-bit network can express, so they come from pictures that differ: people close
up and in groups indoors, people far away outdoors, grey pictures, pictures without anybody, and only a few
frames of the sample clip, on which the network is measured. `--pictures` is a folder into which these
packages were unpacked:

    apt-get download darknet opencv-doc    # each with: dpkg -x FILE.deb PICTURES
    npm pack @vladmandic/face-api@1.7.15   # with: tar -xzf FILE.tgz -C PICTURES

Needs requirements-calibrate.txt in an environment of its own. The result differs in its last digits
between machines and versions of the engine; that is why it is committed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, helper

from quantise import watched_tensors
from recipes import RECIPES

MODEL = "nanodet-g-416"
SIZE = 416
# NanoDet's own normalisation, blue, green, red.
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
STD = np.array([57.375, 57.12, 58.395], np.float32)

PICTURES = [
    "package/demo/sample[1-6].jpg",
    "usr/share/darknet/data/*.jpg",
    "usr/share/doc/opencv-doc/examples/data/basketball[12].png",
    "usr/share/doc/opencv-doc/examples/data/board.jpg",
    "usr/share/doc/opencv-doc/examples/data/fruits.jpg",
    "usr/share/doc/opencv-doc/examples/data/graf1.png",
    "usr/share/doc/opencv-doc/examples/data/home.jpg",
    "usr/share/doc/opencv-doc/examples/data/leuvenA.jpg",
    "usr/share/doc/opencv-doc/examples/data/messi5.jpg",
    "usr/share/doc/opencv-doc/examples/data/stuff.jpg",
]
CLIP = "usr/share/doc/opencv-doc/examples/data/vtest.avi"
CLIP_FRAMES = [0, 158, 316, 474, 632, 790]
# More digits than this are noise of the machine that measured.
DIGITS = 6


def main() -> int:
    """Writes the ranges, and which pictures they are from, to standard output."""
    parser = argparse.ArgumentParser(description="Measures tensor ranges over pictures.")
    parser.add_argument("--downloads", type=Path, required=True, help="where the packages' models are")
    parser.add_argument("--pictures", type=Path, required=True, help="where the picture packages were unpacked")
    arguments = parser.parse_args()
    pictures = _pictures(arguments.pictures)
    ranges = measured(RECIPES[MODEL].build(MODEL, arguments.downloads), list(pictures.values()))
    rounded = {name: [float(f"{bound:.{DIGITS}g}") for bound in bounds] for name, bounds in ranges.items()}
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(bounds)}" for name, bounds in rounded.items())
    print(f'{{\n  "pictures": {json.dumps(list(pictures))},\n  "ranges": {{\n{lines}\n  }}\n}}')
    return 0


def measured(model: ModelProto, pictures: list[np.ndarray]) -> dict[str, tuple[float, float]]:
    """The smallest and largest number in each watched tensor, over all pictures."""
    names = watched_tensors(model)
    inputs = {value.name for value in model.graph.input}
    shown = ModelProto()
    shown.CopyFrom(model)
    inner = [name for name in names if name not in inputs]
    shown.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in inner)
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    ranges = {name: (np.inf, -np.inf) for name in names}
    for picture in pictures:
        tensors = dict(zip(inner, session.run(inner, {"input": picture}))) | {"input": picture}
        for name in names:
            low, high = ranges[name]
            ranges[name] = (min(low, float(tensors[name].min())), max(high, float(tensors[name].max())))
    return ranges


def _pictures(folder: Path) -> dict[str, np.ndarray]:
    """The network's inputs by the name of the picture that each was made of."""
    found = {}
    for pattern in PICTURES:
        paths = sorted(folder.glob(pattern))
        if not paths:
            sys.exit(f"{folder}: no {pattern}; unpack the packages named at the top of this script")
        found.update({path.name: _network_input(cv2.imread(str(path))) for path in paths})
    clip = cv2.VideoCapture(str(folder / CLIP))
    for frame in CLIP_FRAMES:
        clip.set(cv2.CAP_PROP_POS_FRAMES, frame)
        good, picture = clip.read()
        if not good:
            sys.exit(f"{folder / CLIP}: frame {frame} cannot be read")
        found[f"vtest.avi frame {frame}"] = _network_input(picture)
    return found


def _network_input(picture: np.ndarray) -> np.ndarray:
    """(1, 3, 416, 416) float32, blue, green, red, normalised."""
    square = (cv2.resize(picture, (SIZE, SIZE)).astype(np.float32) - MEAN) / STD
    return np.ascontiguousarray(square.transpose(2, 0, 1)[None])


if __name__ == "__main__":
    sys.exit(main())
