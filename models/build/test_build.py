"""What the builder promises, on graphs of a few numbers. Run by `make test`: python -m unittest discover -s models/build"""

from __future__ import annotations

import unittest

import numpy as np
from onnx.reference import ReferenceEvaluator

from convert import HEIGHT_WIDTH_CHANNEL, Value, convert
from quantise import quantise, watched_tensors
from tfjs import Graph, ModelError, Node

# A picture of 1 channel and 3 x 3 px, the numbers 1 to 9.
PICTURE = np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)
SLIDING = {
    "strides": {"list": {"i": ["1", "1", "1", "1"]}},
    "padding": {"s": "VkFMSUQ="},
    "data_format": {"s": "TkhXQw=="},
}


def graph(nodes: list[tuple], weights: dict) -> Graph:
    """A graph of (name, operation, inputs, attributes), with a constant for each weight."""
    made = [Node(*node) for node in nodes] + [Node(name, "Const", (), {}) for name in weights]
    return Graph({node.name: node for node in made}, {name: np.asarray(weights[name]) for name in weights})


def built(network: Graph):
    """The model from `picture` to `last`."""
    return convert(network, {"picture": Value("input", (1, 1, 3, 3), HEIGHT_WIDTH_CHANNEL)}, {"last": "output"}, "test")


def computed(model) -> np.ndarray:
    """What the model makes of PICTURE, by ONNX' own reference implementation."""
    # The first version whose 8-bit operations it knows; they mean the same there.
    model.opset_import[0].version = max(model.opset_import[0].version, 19)
    return ReferenceEvaluator(model).run(None, {"input": PICTURE})[0]


def sum_of_neighbours(*rest: tuple) -> Graph:
    """A border of 0, a sum over 3 x 3 px, and what `rest` adds."""
    nodes = [
        ("padded", "Pad", ("picture", "border"), {}),
        ("summed", "Conv2D", ("padded", "ones"), SLIDING),
        *rest,
    ]
    ones = np.ones((3, 3, 1, 1), np.float32)
    border = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
    return graph(nodes, {"ones": ones, "border": border, "two": np.float32([2.0]), "ten": np.float32([10.0])})


class Conversion(unittest.TestCase):
    """What comes out computes what went in."""

    def check(self, network: Graph, expected: list) -> list[str]:
        """Compares what the model yields (batch, height, width, channel); returns its operations."""
        model = built(network)
        np.testing.assert_array_equal(computed(model)[0, :, :, 0], expected)
        return [node.op_type for node in model.graph.node]

    def test_a_border_goes_into_the_convolution(self):
        operations = self.check(sum_of_neighbours(("last", "Identity", ("summed",), {})), [[12, 21, 16], [27, 45, 33], [24, 39, 28]])
        self.assertEqual(operations, ["Conv", "Transpose"])

    def test_a_factor_and_an_offset_go_into_the_convolution(self):
        network = sum_of_neighbours(("twice", "Mul", ("summed", "two"), {}), ("last", "Add", ("twice", "ten"), {}))
        operations = self.check(network, [[34, 52, 42], [64, 100, 76], [58, 88, 66]])
        self.assertEqual(operations, ["Conv", "Transpose"])

    def test_an_offset_stays_out_of_a_convolution_that_others_read_too(self):
        network = sum_of_neighbours(("more", "Add", ("summed", "ten"), {}), ("last", "AddN", ("more", "summed"), {}))
        operations = self.check(network, [[34, 52, 42], [64, 100, 76], [58, 88, 66]])
        self.assertEqual(operations, ["Conv", "Add", "Add", "Transpose"])

    def test_transpositions_that_undo_each_other_leave_nothing(self):
        orders = {"there": np.int32([0, 3, 1, 2]), "back": np.int32([0, 2, 3, 1])}
        network = graph(
            [
                ("turned", "Transpose", ("picture", "there"), {}),
                ("returned", "Transpose", ("turned", "back"), {}),
                ("last", "Exp", ("returned",), {}),
            ],
            orders,
        )
        self.assertEqual([node.op_type for node in built(network).graph.node], ["Exp", "Transpose"])

    def test_two_builds_have_the_same_bytes(self):
        def content() -> bytes:
            return built(sum_of_neighbours(("last", "Sigmoid", ("summed",), {}))).SerializeToString(deterministic=True)

        self.assertEqual(content(), content())


class Refusal(unittest.TestCase):
    """What is not known here is named, and never guessed at."""

    def check(self, network: Graph, *words: str) -> None:
        with self.assertRaises(ModelError) as caught:
            built(network)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_an_unknown_operation_is_named(self):
        self.check(graph([("last", "Einsum", ("picture",), {})], {}), "last", "Einsum")

    def test_a_border_that_nothing_takes_over_is_named(self):
        self.check(sum_of_neighbours(("last", "Sigmoid", ("padded",), {})), "last", "Sigmoid", "Pad")

    def test_a_maximum_does_not_take_over_a_border_of_0(self):
        pool = {"ksize": {"list": {"i": ["1", "3", "3", "1"]}}, **SLIDING}
        self.check(sum_of_neighbours(("last", "MaxPool", ("padded",), pool)), "last", "maximum")


class Quantisation(unittest.TestCase):
    """Eight bits stay near the numbers that they stand for."""

    def setUp(self):
        self.model = built(sum_of_neighbours(("last", "LeakyRelu", ("summed",), {"alpha": {"f": 0.1}})))
        self.names = watched_tensors(self.model)

    def test_each_number_is_off_by_a_step_at_most(self):
        ranges = {name: (0.0, 9.0 if name == "input" else 45.0) for name in self.names}
        difference = computed(quantise(self.model, ranges, 63)) - computed(self.model)
        # Nine inputs, each off by half a step of 9 / 255, and the output's own half step, twice.
        self.assertLessEqual(np.abs(difference).max(), 9 * 0.5 * 9 / 255 + 45 / 255)

    def test_ranges_of_another_network_are_refused(self):
        with self.assertRaises(ModelError) as caught:
            quantise(self.model, {"elsewhere": (0.0, 1.0)}, 63)
        self.assertIn("another network", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
