"""What each model is made of: which package it is in, where the graph is cut, and what the cuts are called."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from onnx import ModelProto

import tfjs
from convert import Value, channels_first, convert, in_place
from quantise import quantise

# Weights of 7 bits, not 8. On x86 CPUs without VNNI the 8-bit kernels add two products into 16 bits, and
# 2 x 255 x 127 does not fit; 2 x 255 x 63 does. With 127, scores moved by up to 0.12 between two CPUs;
# with 63 they were equal bit for bit, and on a CPU with VNNI it costs 0.002 in the mean score error.
WEIGHT_LIMIT = 63


@dataclass(frozen=True)
class Recipe:
    """How one model file is built."""

    source: str
    """Which download holds `model.json`; a key of `scripts/pins`."""
    graph: str
    """The graph's file inside that download."""
    inputs: dict[str, Value]
    """TensorFlow nodes that become inputs of the model."""
    outputs: dict[str, str]
    """TensorFlow nodes that become outputs of the model."""
    ranges: str | None = None
    """The committed ranges, for a model in 8 bits."""

    def build(self, name: str, downloads: Path) -> ModelProto:
        """Makes the model called `name` out of what was fetched into `downloads`."""
        graph = tfjs.read(downloads / self.source / self.graph)
        model = convert(graph, self.inputs, self.outputs, name)
        if self.ranges is None:
            return model
        return quantise(model, read_ranges(Path(__file__).parent / self.ranges), WEIGHT_LIMIT)


def read_ranges(path: Path) -> dict[str, tuple[float, float]]:
    """The ranges by tensor, as `calibrate.py` wrote them."""
    return {name: (low, high) for name, (low, high) in json.loads(path.read_text())["ranges"].items()}


_NANODET = {
    "source": "human-models",
    "graph": "nanodet.json",
    "inputs": {"input_1": in_place("input", (1, 3, 416, 416))},
    # For strides 8, 16 and 32: scores by class after the sigmoid, and 4 sides x 11 bins before the softmax.
    "outputs": {
        "Identity": "cls8",
        "Identity_1": "cls16",
        "Identity_2": "cls32",
        "Identity_3": "reg8",
        "Identity_4": "reg16",
        "Identity_5": "reg32",
    },
}

RECIPES = {
    "nanodet-g-416": Recipe(**_NANODET),
    "nanodet-g-416-int8": Recipe(**_NANODET, ranges="nanodet-g-416.ranges.json"),
    "ssd-mobilenetv2-300": Recipe(
        source="coco-ssd",
        graph="model.json",
        # Cut behind the loop that resizes a batch of pictures, and behind the scaling to -1 to 1.
        inputs={"Preprocessor/sub": channels_first("input", (1, 3, 300, 300))},
        # Scores by class after the sigmoid, without the background; top, left, bottom, right from 0 to 1.
        outputs={"Postprocessor/Slice": "scores", "Postprocessor/Reshape_2": "boxes"},
    ),
}
