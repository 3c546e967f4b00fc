"""Rewrites a float32 model so that its convolutions compute in 8 bits.

Each tensor that goes into or comes out of a `Conv` or a `LeakyRelu` passes through a QuantizeLinear and
a DequantizeLinear, weights are stored as 8-bit numbers with one scale for each output channel, and the
engine that loads the file joins these pairs with the operation between them into integer kernels.

The one thing that is not obvious: the range of each tensor comes from a committed file (`*.ranges.json`,
made by `calibrate.py`) and not from a run of the network, because a run differs in its last bits from CPU
to CPU and the manifest pins the sha256 of what is built here.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from tfjs import ModelError

QUANTISED = ("Conv", "LeakyRelu")

Ranges = dict[str, tuple[float, float]]
"""The smallest and the largest number that each tensor took while it was watched."""


def watched_tensors(model: ModelProto) -> list[str]:
    """The tensors that `quantise` needs a range for, in the order of the network."""
    constants = {constant.name for constant in model.graph.initializer}
    names: dict[str, None] = {}
    for node in model.graph.node:
        if node.op_type in QUANTISED:
            names.update(dict.fromkeys(name for name in (node.input[0], node.output[0]) if name not in constants))
    return list(names)


def quantise(model: ModelProto, ranges: Ranges, weight_limit: int) -> ModelProto:
    """The model in 8 bits: activations 0 to 255, weights -`weight_limit` to `weight_limit`.

    Raises `ModelError` naming the tensor when `ranges` does not belong to this model.
    """
    return _Quantiser(model, ranges, weight_limit).quantised()


class _Quantiser:
    """One rewrite of one model."""

    def __init__(self, model: ModelProto, ranges: Ranges, weight_limit: int):
        self.model = model
        self.ranges = ranges
        self.weight_limit = weight_limit
        self.arrays = {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}
        self.nodes: list[NodeProto] = []
        self.scales: dict[str, np.float32] = {}

    def quantised(self) -> ModelProto:
        """Copies the nodes one by one, with the pairs that belong around them."""
        wanted = watched_tensors(self.model)
        if set(wanted) != set(self.ranges):
            odd = sorted(set(wanted) ^ set(self.ranges))
            raise ModelError(f"the ranges are of another network: {odd[0]} is in one of the two only")
        for value in self.model.graph.input:
            self._watch(value.name)
        for node in self.model.graph.node:
            self.nodes.append(self._copied(node))
            for name in node.output:
                self._watch(name)
        return self._wrapped()

    def _watch(self, name: str) -> None:
        """Puts the 8-bit pair behind tensor `name`, if it has a range."""
        if name not in self.ranges:
            return
        scale, zero = _activation_scale(*self.ranges[name])
        self.scales[name] = scale
        parameters = [self._store(f"{name}_scale", scale), self._store(f"{name}_zero", zero)]
        self._add("QuantizeLinear", [name, *parameters], f"{name}_u8")
        self._add("DequantizeLinear", [f"{name}_u8", *parameters], f"{name}_rounded")

    def _copied(self, node: NodeProto) -> NodeProto:
        """`node`, reading what the pairs let through."""
        copy = NodeProto()
        copy.CopyFrom(node)
        if node.op_type == "Conv":
            copy.input[1], copy.input[2] = self._parameters(node)
        for index, name in enumerate(copy.input):
            if name in self.scales:
                copy.input[index] = f"{name}_rounded"
        return copy

    def _parameters(self, node: NodeProto) -> tuple[str, str]:
        """The names of a convolution's weight and bias, stored as whole numbers."""
        source, weight, bias = node.input
        kernel = self.arrays.pop(weight).astype(np.float64)
        largest = np.abs(kernel).max(axis=(1, 2, 3))
        scale = (np.where(largest > 0.0, largest, 1.0) / self.weight_limit).astype(np.float32)
        whole = np.rint(kernel / scale.astype(np.float64)[:, None, None, None])
        limited = np.clip(whole, -self.weight_limit, self.weight_limit).astype(np.int8)
        # The integer kernel adds the bias to its sums, so it is counted in the sums' own unit.
        unit = scale * self.scales[source]
        offset = np.rint(self.arrays.pop(bias).astype(np.float64) / unit.astype(np.float64))
        if np.abs(offset).max() > np.iinfo(np.int32).max:
            raise ModelError(f"node {node.name}: the bias does not fit 32 bits")
        kernel_name = self._dequantised(weight, limited, scale, np.int8)
        return kernel_name, self._dequantised(bias, offset.astype(np.int32), unit, np.int32)

    def _dequantised(self, name: str, whole: np.ndarray, scale: np.ndarray, kind: type) -> str:
        """Stores whole numbers with one scale a channel, and returns the name under which they are read."""
        inputs = [
            self._store(f"{name}_whole", whole),
            self._store(f"{name}_scale", scale),
            self._store(f"{name}_zero", np.zeros(len(scale), kind)),
        ]
        return self._add("DequantizeLinear", inputs, name, axis=0)

    def _store(self, name: str, array: np.ndarray) -> str:
        """Keeps a constant of the model, and returns its name."""
        self.arrays[name] = np.asarray(array)
        return name

    def _add(self, op: str, inputs: list[str], output: str, **attributes) -> str:
        """Adds one node, and returns its output's name."""
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def _wrapped(self) -> ModelProto:
        """The model with the new nodes and constants in place of the old."""
        model = ModelProto()
        model.CopyFrom(self.model)
        del model.graph.node[:], model.graph.initializer[:]
        model.graph.node.extend(self.nodes)
        model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in self.arrays.items())
        return model


def _activation_scale(low: float, high: float) -> tuple[np.float32, np.uint8]:
    """The step between two neighbours of 0 to 255, and which of them stands for 0.0, so that 0.0 is exact."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32((high - low) / 255.0 or 1.0)
    return scale, np.uint8(np.clip(np.rint(-low / np.float64(scale)), 0, 255))
