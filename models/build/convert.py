"""Turns a TensorFlow.js graph into an ONNX model, for the operations of the two networks built here.

Two things are not obvious.

A TensorFlow picture is `(batch, height, width, channel)`, an ONNX one `(batch, channel, height, width)`,
and graphs that went through both are full of transpositions which only undo each other. So nothing is
transposed here: a `Value` remembers in which order its axes are stored, a `Transpose` changes only that
memory, and a real one is emitted where an operation needs the axes in place.

The file must have the same bytes whatever CPU builds it, because its manifest pins the sha256. So the
only arithmetic done here is element by element (no sums of products, whose order differs between
machines), in float64, rounded once to float32.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from tfjs import Graph, ModelError, Node

# Old enough for every ONNX Runtime that the box accepts, new enough for quantisation by channel.
OPSET = 17
IR_VERSION = 8

# In the stored order (batch, channel, height, width), where TensorFlow's axes (batch, height, width, channel) are.
HEIGHT_WIDTH_CHANNEL = (0, 2, 3, 1)


@dataclass
class Convolution:
    """A convolution that is not written yet, because what follows may still be folded into it."""

    name: str
    source: str
    weight: np.ndarray
    """(out, in / group, height, width), float64."""
    bias: np.ndarray
    """(out), float64."""
    attributes: dict


@dataclass(frozen=True)
class Padding:
    """A `Pad` that is not written yet, because the operation that follows takes it over."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    """Elements added, by stored axis."""
    fill: float


@dataclass(frozen=True)
class Value:
    """A tensor of the network: TensorFlow's axis `i` is stored as axis `order[i]`."""

    name: str
    stored: tuple[int, ...]
    order: tuple[int, ...]
    convolution: Convolution | None = None
    """What makes this tensor, as long as a factor or an offset can still be folded into it."""
    padding: Padding | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape as TensorFlow sees it."""
        return tuple(self.stored[axis] for axis in self.order)


def in_place(name: str, shape: tuple[int, ...]) -> Value:
    """A value whose axes are stored as TensorFlow sees them."""
    return Value(name, tuple(int(size) for size in shape), tuple(range(len(shape))))


def channels_first(name: str, stored: tuple[int, ...]) -> Value:
    """A TensorFlow picture (batch, height, width, channel) that is stored channels first."""
    return Value(name, stored, HEIGHT_WIDTH_CHANNEL)


def convert(graph: Graph, inputs: dict[str, Value], outputs: dict[str, str], name: str) -> ModelProto:
    """Builds the ONNX model called `name`.

    `inputs` says which TensorFlow nodes are replaced by inputs of the model (what feeds them is left
    away), `outputs` which node becomes which output. Raises `ModelError` naming the node and its
    operation when the graph holds something that is not known here.
    """
    return _Converter(graph, inputs).model(outputs, name)


Operand = np.ndarray | Value
Result = np.ndarray | Value | list


class _Converter:
    """One conversion: walks the graph from its outputs and collects ONNX nodes."""

    def __init__(self, graph: Graph, inputs: dict[str, Value]):
        self.graph = graph
        self.inputs = inputs
        self.results: dict[str, Result] = dict(inputs)
        self.nodes: list[NodeProto | Convolution] = []
        self.constants: dict[str, np.ndarray] = {}
        self.names: Counter[str] = Counter()
        self.consumers: Counter[str] = Counter()

    def model(self, outputs: dict[str, str], name: str) -> ModelProto:
        """Converts all that `outputs` need, and wraps it up."""
        wanted = self._sorted(list(outputs))
        self.consumers.update(_name(ref) for node in wanted for ref in node.inputs)
        self.consumers.update(list(outputs))
        for node in wanted:
            self.results[node.name] = self._settled(node, self._convert(node))
        made = [self._output(self._value(node), output) for node, output in outputs.items()]
        nodes = [self._written(node) if isinstance(node, Convolution) else node for node in self.nodes]
        body = helper.make_graph(
            nodes,
            name,
            [_tensor_info(value.name, value.stored) for value in self.inputs.values()],
            [_tensor_info(value.name, value.stored) for value in made],
            [numpy_helper.from_array(array, key) for key, array in self.constants.items()],
        )
        model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        model.producer_name = "footfall models/build"
        return model

    def _sorted(self, outputs: list[str]) -> list[Node]:
        """The nodes that `outputs` need, each after all of its inputs."""
        done: dict[str, None] = {}
        pending = [(name, False) for name in reversed(outputs)]
        while pending:
            name, inputs_done = pending.pop()
            if name in done or name in self.inputs:
                continue
            node = self.graph.nodes.get(name)
            if node is None:
                raise ModelError(f"the graph has no node {name}")
            if inputs_done:
                done[name] = None
                continue
            pending.append((name, True))
            pending.extend((_name(ref), False) for ref in reversed(node.inputs))
        return [self.graph.nodes[name] for name in done]

    def _convert(self, node: Node) -> Result:
        """What `node` yields: a constant where all of its inputs are, else a value of the network."""
        if node.op == "Const":
            if node.name not in self.graph.weights:
                raise ModelError(f"constant {node.name} has no weights")
            return self.graph.weights[node.name]
        operands = [self._operand(ref) for ref in node.inputs]
        if node.op == "Shape":
            return np.array(operands[0].shape, np.int32)
        if all(isinstance(operand, np.ndarray) for operand in operands) and node.op in FOLDED:
            return FOLDED[node.op](node, *operands)
        if node.op not in EMITTED:
            raise ModelError(f"node {node.name}: operation {node.op} is not supported")
        for operand in operands:
            if isinstance(operand, Value) and operand.padding and node.op not in TAKES_PADDING:
                raise ModelError(f"node {node.name}: {node.op} cannot take over the Pad before it")
        return EMITTED[node.op](self, node, *operands)

    def _operand(self, ref: str) -> Operand:
        """The result that `ref` (`node` or `node:output`) stands for."""
        result = self.results[_name(ref)]
        if isinstance(result, list):
            return result[int(ref.partition(":")[2] or 0)]
        return result

    def _value(self, ref: str) -> Value:
        """`ref` as a value of the network; a model that yields a constant is a mistake."""
        result = self._operand(ref)
        if not isinstance(result, Value):
            raise ModelError(f"node {ref} does not depend on the input")
        return result

    def _new_name(self, op: str) -> str:
        """`op_1`, `op_2`, ...: the same at every build, so that the committed ranges can name tensors."""
        self.names[op] += 1
        return f"{op.lower()}_{self.names[op]}"

    def constant(self, array: np.ndarray) -> str:
        """Stores a constant of the model, and returns its name."""
        name = self._new_name("constant")
        self.constants[name] = array
        return name

    def emit(self, op: str, inputs: list[str], **attributes) -> str:
        """Adds one ONNX node with one output, and returns the output's name."""
        name = self._new_name(op)
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def axes_in_place(self, value: Value) -> Value:
        """`value` with its axes stored as TensorFlow sees them."""
        if value.order == tuple(range(len(value.order))):
            return value
        return in_place(self.emit("Transpose", [value.name], perm=list(value.order)), value.shape)

    def like(self, value: Value, model: Value) -> Value:
        """`value` with its axes stored in the order of `model`."""
        if value.order == model.order:
            return value
        plain = self.axes_in_place(value)
        to_stored = _inverse(model.order)
        stored = tuple(plain.stored[axis] for axis in to_stored)
        return Value(self.emit("Transpose", [plain.name], perm=list(to_stored)), stored, model.order)

    def picture(self, node: Node, value: Operand) -> Value:
        """`value` as a picture stored channels first, whose TensorFlow axes are as `node` says."""
        if node.attribute("data_format", "NHWC") != "NHWC":
            raise ModelError(f"node {node.name}: {node.op} works on {node.attribute('data_format')}, not NHWC")
        if not isinstance(value, Value) or len(value.stored) != 4:
            raise ModelError(f"node {node.name}: {node.op} needs a picture")
        if value.order == HEIGHT_WIDTH_CHANNEL:
            return value
        if value.padding:
            raise ModelError(f"node {node.name}: the Pad before {node.op} is not stored channels first")
        return self.like(value, replace(value, order=HEIGHT_WIDTH_CHANNEL))

    def _settled(self, node: Node, result: Result) -> Result:
        """`result`, closed to folding when more than one operation looks at it."""
        if isinstance(result, Value) and self.consumers[node.name] != 1:
            return replace(result, convolution=None)
        return result

    def _written(self, convolution: Convolution) -> NodeProto:
        """The ONNX node of a convolution, its folded numbers rounded to float32 here and nowhere else."""
        weight, bias = f"{convolution.name}_weight", f"{convolution.name}_bias"
        self.constants[weight] = convolution.weight.astype(np.float32)
        self.constants[bias] = convolution.bias.astype(np.float32)
        inputs = [convolution.source, weight, bias]
        return helper.make_node("Conv", inputs, [convolution.name], name=convolution.name, **convolution.attributes)

    def _output(self, value: Value, output: str) -> Value:
        """Makes `value` the model's output called `output`."""
        plain = self.axes_in_place(value)
        maker = self.nodes[-1] if self.nodes else None
        if isinstance(maker, NodeProto) and maker.output[0] == plain.name and value is not plain:
            maker.output[0] = output
        else:
            self.nodes.append(helper.make_node("Identity", [plain.name], [output], name=output))
        return replace(plain, name=output)


def _name(ref: str) -> str:
    """The node part of `node:output`."""
    return ref.partition(":")[0]


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes `order`."""
    return tuple(int(axis) for axis in np.argsort(order))


def _tensor_info(name: str, shape: tuple[int, ...]):
    """The declaration of a float32 input or output."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def _reshaped(shape: tuple[int, ...], wanted: np.ndarray) -> tuple[int, ...]:
    """`wanted` with its -1 worked out."""
    sizes = [int(size) for size in wanted]
    if -1 in sizes:
        known = int(np.prod([size for size in sizes if size != -1], dtype=np.int64))
        sizes[sizes.index(-1)] = int(np.prod(shape, dtype=np.int64)) // known
    return tuple(sizes)


# --- Operations on constants: numpy has the same meaning as TensorFlow for each of them. ---------------------


def _fold_sparse_to_dense(node: Node, indices, shape, values, default) -> np.ndarray:
    dense = np.full(tuple(np.atleast_1d(shape)), default)
    if indices.size:
        dense[tuple(indices.reshape(-1, dense.ndim).T)] = values
    return dense


def _fold_strided_slice(node: Node, array, begin, end, stride) -> np.ndarray:
    masks = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask")
    if len(begin) != 1 or any(node.attribute(mask, 0) for mask in masks):
        raise ModelError(f"node {node.name}: StridedSlice is known for plain slices of a vector only")
    cut = array[int(begin[0]) : int(end[0]) : int(stride[0])]
    return np.asarray(cut[0]) if node.attribute("shrink_axis_mask", 0) else cut


FOLDED: dict[str, Callable[..., Result]] = {
    "Add": lambda node, a, b: a + b,
    "AddV2": lambda node, a, b: a + b,
    "Mul": lambda node, a, b: a * b,
    "Pack": lambda node, *arrays: np.stack(arrays, node.attribute("axis", 0)),
    "Reshape": lambda node, array, shape: array.reshape(shape),
    "SparseToDense": _fold_sparse_to_dense,
    "StridedSlice": _fold_strided_slice,
    "Sub": lambda node, a, b: a - b,
    "Tile": lambda node, array, times: np.tile(array, times),
    "Transpose": lambda node, array, order: np.ascontiguousarray(array.transpose(order)),
    "Unpack": lambda node, array: [np.asarray(part) for part in np.moveaxis(array, node.attribute("axis", 0), 0)],
}


# --- Operations of the network: each takes the converter, the node and its operands. -------------------------


def _pad(to: _Converter, node: Node, value: Value, amounts: np.ndarray, fill: np.ndarray | None = None) -> Value:
    stored = _inverse(value.order)
    before = tuple(int(amounts[axis][0]) for axis in stored)
    after = tuple(int(amounts[axis][1]) for axis in stored)
    if value.padding or len(value.stored) != 4 or any(before[:2]) or any(after[:2]):
        raise ModelError(f"node {node.name}: only one Pad of a picture's height and width is known")
    return replace(value, convolution=None, padding=Padding(before, after, 0.0 if fill is None else float(fill)))


def _transpose(to: _Converter, node: Node, value: Value, order: np.ndarray) -> Value:
    return replace(value, order=tuple(value.order[axis] for axis in order))


def _convolution(to: _Converter, node: Node, value: Operand, weight: np.ndarray) -> Value:
    # TensorFlow keeps (height, width, in, out).
    kernel = weight.astype(np.float64).transpose(3, 2, 0, 1)
    return _any_convolution(to, node, to.picture(node, value), kernel, 1)


def _depthwise(to: _Converter, node: Node, value: Operand, weight: np.ndarray) -> Value:
    # TensorFlow keeps (height, width, in, multiplier), and each channel of the input has its own kernels.
    height, width, channels, multiplier = weight.shape
    kernel = weight.astype(np.float64).transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return _any_convolution(to, node, to.picture(node, value), kernel, channels)


def _any_convolution(to: _Converter, node: Node, value: Value, kernel: np.ndarray, groups: int) -> Value:
    strides, dilations = node.attribute("strides")[1:3], (node.attribute("dilations") or [1] * 4)[1:3]
    if value.padding and value.padding.fill != 0.0:
        raise ModelError(f"node {node.name}: a convolution pads with 0, not with {value.padding.fill}")
    window = [(size - 1) * dilation + 1 for size, dilation in zip(kernel.shape[2:], dilations)]
    pads, sizes = _window(node, value, window, strides)
    attributes = {"kernel_shape": list(kernel.shape[2:]), "strides": strides, "dilations": dilations}
    convolution = Convolution(
        name=to._new_name("Conv"),
        source=value.name,
        weight=kernel,
        bias=np.zeros(kernel.shape[0]),
        attributes=attributes | {"group": groups, "pads": pads},
    )
    to.nodes.append(convolution)
    stored = (value.stored[0], kernel.shape[0], *sizes)
    return Value(convolution.name, stored, HEIGHT_WIDTH_CHANNEL, convolution=convolution)


def _max_pool(to: _Converter, node: Node, value: Operand) -> Value:
    value = to.picture(node, value)
    window, strides = node.attribute("ksize")[1:3], node.attribute("strides")[1:3]
    # ONNX leaves the border out of the maximum, which is what padding with the smallest number does.
    if value.padding and value.padding.fill > np.finfo(np.float32).min:
        raise ModelError(f"node {node.name}: a maximum cannot take over padding with {value.padding.fill}")
    pads, sizes = _window(node, value, window, strides)
    name = to.emit("MaxPool", [value.name], kernel_shape=window, strides=strides, pads=pads)
    return Value(name, (*value.stored[:2], *sizes), HEIGHT_WIDTH_CHANNEL)


def _window(node: Node, value: Value, window: list[int], strides: list[int]) -> tuple[list[int], list[int]]:
    """ONNX pads (top, left, bottom, right) and the (height, width) after a window has slid over `value`."""
    before, after, sizes = [], [], []
    for axis in (2, 3):
        first = value.padding.before[axis] if value.padding else 0
        last = value.padding.after[axis] if value.padding else 0
        size = value.stored[axis] + first + last
        reach, stride = window[axis - 2], strides[axis - 2]
        match node.attribute("padding"):
            case "SAME":
                steps = -(-size // stride)
                missing = max(0, (steps - 1) * stride + reach - size)
                first, last = first + missing // 2, last + missing - missing // 2
            case "VALID":
                steps = (size - reach) // stride + 1
            case other:
                raise ModelError(f"node {node.name}: padding {other} is not supported")
        before.append(first)
        after.append(last)
        sizes.append(steps)
    return before + after, sizes


def _offset(to: _Converter, node: Node, value: Operand, other: Operand) -> Value:
    """`Add`, into the convolution before it where there is one."""
    convolution = _open_convolution(value)
    if convolution and _by_channel(other, convolution):
        convolution.bias = convolution.bias + other.reshape(-1).astype(np.float64)
        return value
    return _elementwise("Add")(to, node, value, other)


def _factor(to: _Converter, node: Node, value: Operand, other: Operand) -> Value:
    """`Mul`, into the convolution before it where there is one."""
    convolution = _open_convolution(value)
    if convolution and _by_channel(other, convolution):
        _scale(convolution, other.reshape(-1).astype(np.float64))
        return value
    return _elementwise("Mul")(to, node, value, other)


def _batch_norm(to: _Converter, node: Node, value: Operand, *statistics: np.ndarray) -> Value:
    convolution = _open_convolution(value)
    if convolution is None:
        raise ModelError(f"node {node.name}: {node.op} is known only right after a convolution")
    gamma, beta, mean, variance = (array.astype(np.float64) for array in statistics)
    factor = gamma / np.sqrt(variance + node.attribute("epsilon"))
    _scale(convolution, factor)
    convolution.bias = convolution.bias + (beta - mean * factor)
    return value


def _open_convolution(value: Operand) -> Convolution | None:
    """The convolution that makes `value`, if something can still be folded into it."""
    return value.convolution if isinstance(value, Value) else None


def _by_channel(operand: Operand, convolution: Convolution) -> bool:
    """Whether `operand` is one number for each channel that the convolution makes."""
    return isinstance(operand, np.ndarray) and operand.size == operand.shape[-1] == len(convolution.bias)


def _scale(convolution: Convolution, factor: np.ndarray) -> None:
    """Multiplies what the convolution yields, channel by channel."""
    convolution.weight = convolution.weight * factor[:, None, None, None]
    convolution.bias = convolution.bias * factor


def _elementwise(op: str) -> Callable[..., Value]:
    """An operation on two operands of one shape, or on a value and a constant that is stretched over it."""

    def emit(to: _Converter, node: Node, first: Operand, second: Operand) -> Value:
        model = first if isinstance(first, Value) else second
        names = []
        for operand in (first, second):
            if isinstance(operand, np.ndarray):
                wide = operand.reshape((1,) * (len(model.order) - operand.ndim) + operand.shape)
                names.append(to.constant(np.ascontiguousarray(wide.transpose(_inverse(model.order)))))
            elif operand.shape == model.shape:
                names.append(to.like(operand, model).name)
            else:
                raise ModelError(f"node {node.name}: {node.op} of {operand.shape} and {model.shape}")
        return Value(to.emit(op, names), model.stored, model.order)

    return emit


def _unary(op: str, *keys: str) -> Callable[..., Value]:
    """An operation on each element by itself, with those of its attributes that are called `keys`."""

    def emit(to: _Converter, node: Node, value: Value) -> Value:
        attributes = {key: node.attribute(key) for key in keys}
        return Value(to.emit(op, [value.name], **attributes), value.stored, value.order)

    return emit


def _relu6(to: _Converter, node: Node, value: Value) -> Value:
    limits = [to.constant(np.array(limit, np.float32)) for limit in (0.0, 6.0)]
    return Value(to.emit("Clip", [value.name, *limits]), value.stored, value.order)


def _concat(to: _Converter, node: Node, *operands: Operand) -> Value:
    *values, axis = operands
    model = values[0]
    stored_axis = model.order[int(axis)]
    names = [to.like(value, model).name for value in values]
    stored = list(model.stored)
    stored[stored_axis] = sum(value.shape[int(axis)] for value in values)
    return Value(to.emit("Concat", names, axis=stored_axis), tuple(stored), model.order)


def _split(to: _Converter, node: Node, value: Value, sizes: np.ndarray, axis: np.ndarray) -> list[Value]:
    stored_axis = value.order[int(axis)]
    parts, start = [], 0
    for size in (int(size) for size in sizes):
        stored = (*value.stored[:stored_axis], size, *value.stored[stored_axis + 1 :])
        parts.append(Value(_cut(to, value.name, start, size, stored_axis), stored, value.order))
        start += size
    return parts


def _slice(to: _Converter, node: Node, value: Value, begin: np.ndarray, sizes: np.ndarray) -> Value:
    for axis, (start, size) in enumerate(zip(begin, sizes)):
        kept = value.shape[axis] - int(start) if size == -1 else int(size)
        if kept == value.shape[axis]:
            continue
        stored_axis = value.order[axis]
        stored = (*value.stored[:stored_axis], kept, *value.stored[stored_axis + 1 :])
        value = Value(_cut(to, value.name, int(start), kept, stored_axis), stored, value.order)
    return value


def _cut(to: _Converter, name: str, start: int, size: int, axis: int) -> str:
    """Elements `start` to `start + size` of one stored axis."""
    bounds = [to.constant(np.array([number], np.int64)) for number in (start, start + size, axis)]
    return to.emit("Slice", [name, *bounds])


def _resize(to: _Converter, node: Node, value: Operand, size: np.ndarray) -> Value:
    value = to.picture(node, value)
    if node.attribute("align_corners", False) or not node.attribute("half_pixel_centers", False):
        raise ModelError(f"node {node.name}: ResizeBilinear is known with half-pixel centres only")
    stored = (*value.stored[:2], int(size[0]), int(size[1]))
    sizes = to.constant(np.array(stored, np.int64))
    inputs = [value.name, "", "", sizes]
    name = to.emit("Resize", inputs, mode="linear", coordinate_transformation_mode="half_pixel")
    return Value(name, stored, HEIGHT_WIDTH_CHANNEL)


def _reshape(to: _Converter, node: Node, value: Value, shape: np.ndarray) -> Value:
    return _with_shape(to, value, _reshaped(value.shape, shape))


def _squeeze(to: _Converter, node: Node, value: Value) -> Value:
    axes = node.attribute("squeeze_dims")
    return _with_shape(to, value, tuple(size for axis, size in enumerate(value.shape) if axis not in axes))


def _with_shape(to: _Converter, value: Value, shape: tuple[int, ...]) -> Value:
    """The same elements in TensorFlow's order, in another shape."""
    plain = to.axes_in_place(value)
    return in_place(to.emit("Reshape", [plain.name, to.constant(np.array(shape, np.int64))]), shape)


def _unpack(to: _Converter, node: Node, value: Value) -> list[Value]:
    plain, axis = to.axes_in_place(value), node.attribute("axis", 0)
    rest = (*plain.stored[:axis], *plain.stored[axis + 1 :])
    indices = [to.constant(np.array(index, np.int64)) for index in range(plain.stored[axis])]
    return [in_place(to.emit("Gather", [plain.name, index], axis=axis), rest) for index in indices]


def _pack(to: _Converter, node: Node, *values: Value) -> Value:
    axis = node.attribute("axis", 0)
    shape = (*values[0].shape[:axis], 1, *values[0].shape[axis:])
    names = [_with_shape(to, value, shape).name for value in values]
    return in_place(to.emit("Concat", names, axis=axis), (*shape[:axis], len(values), *shape[axis + 1 :]))


EMITTED: dict[str, Callable[..., Result]] = {
    "Add": _offset,
    "AddN": _elementwise("Add"),
    "AddV2": _offset,
    "BiasAdd": _offset,
    "ConcatV2": _concat,
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "Exp": _unary("Exp"),
    "FusedBatchNorm": _batch_norm,
    "Identity": lambda to, node, value: value,
    "LeakyRelu": _unary("LeakyRelu", "alpha"),
    "MaxPool": _max_pool,
    "Mul": _factor,
    "Pack": _pack,
    "Pad": _pad,
    "PadV2": _pad,
    "Relu6": _relu6,
    "Reshape": _reshape,
    "ResizeBilinear": _resize,
    "Sigmoid": _unary("Sigmoid"),
    "Slice": _slice,
    "SplitV": _split,
    "Squeeze": _squeeze,
    "Sub": _elementwise("Sub"),
    "Transpose": _transpose,
    "Unpack": _unpack,
}

# The operations that may stand after a `Pad`: those that take it over, and the one that only renames axes.
TAKES_PADDING = {"Conv2D", "DepthwiseConv2dNative", "MaxPool", "Transpose"}
