"""Reads a TensorFlow.js graph model: `model.json` and the weight files beside it.

The one thing that is not obvious: the JSON was written by several generations of the exporter, so an
attribute string is base64 in one file and a list of byte values in the next, and a type is a name in
one and a number in the other. Everything behind `read` sees one form only.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class ModelError(Exception):
    """The model cannot be built; the message names the node and what is wrong with it."""


@dataclass(frozen=True)
class Node:
    """One operation of the TensorFlow graph."""

    name: str
    op: str
    inputs: tuple[str, ...]
    """`name` or `name:output`; control inputs are left out, because nothing here has side effects."""
    attributes: dict

    def attribute(self, key: str, default=None):
        """The value of an attribute as a plain Python value; `default` where the node has none."""
        value = self.attributes.get(key)
        return default if value is None else _plain(value)


@dataclass(frozen=True)
class Graph:
    """The nodes by name, and the values of the `Const` nodes among them."""

    nodes: dict[str, Node]
    weights: dict[str, np.ndarray]


def read(path: Path) -> Graph:
    """Reads `path` (a `model.json`) and its weights. Raises `ModelError` when they do not belong together."""
    document = json.loads(path.read_text())
    nodes = {}
    for entry in document["modelTopology"]["node"]:
        inputs = tuple(name for name in entry.get("input", []) if not name.startswith("^"))
        nodes[entry["name"]] = Node(entry["name"], entry["op"], inputs, entry.get("attr", {}))
    weights = {}
    for group in document["weightsManifest"]:
        content = b"".join((path.parent / shard).read_bytes() for shard in group["paths"])
        weights.update(_weights(group["weights"], content, path))
    return Graph(nodes, weights)


def _weights(entries: list[dict], content: bytes, path: Path) -> dict[str, np.ndarray]:
    """Cuts one group's bytes into its arrays, in the order of `entries`."""
    weights = {}
    offset = 0
    for entry in entries:
        stored = np.dtype(entry.get("quantization", entry)["dtype"]).newbyteorder("<")
        size = int(np.prod(entry["shape"], dtype=np.int64))
        end = offset + size * stored.itemsize
        if end > len(content):
            raise ModelError(f"{path}: weight {entry['name']} ends at byte {end}, the files hold {len(content)}")
        array = np.frombuffer(content, stored, size, offset)
        weights[entry["name"]] = _widened(array, entry).reshape(entry["shape"])
        offset = end
    if offset != len(content):
        raise ModelError(f"{path}: the weights take {offset} bytes, the files hold {len(content)}")
    return weights


def _widened(array: np.ndarray, entry: dict) -> np.ndarray:
    """The array in the type that the graph computes with. Half precision widens exactly."""
    quantization = entry.get("quantization")
    if quantization and quantization["dtype"] != "float16":
        raise ModelError(f"weight {entry['name']} is stored as {quantization['dtype']}; only float16 is read here")
    return array.astype(entry["dtype"])


def _plain(value: dict):
    """One attribute value, without the wrapper that says its kind."""
    (kind, content), *_ = value.items()
    match kind:
        case "list":
            return _plain_list(content)
        case "s":
            return _text(content)
        case "i":
            return int(content)
        case "f":
            return float(content)
        case _:
            return content


def _plain_list(content: dict) -> list:
    """A list attribute: one of its kinds is filled, or none when the list is empty."""
    if content.get("i"):
        return [int(item) for item in content["i"]]
    if content.get("s"):
        return [_text(item) for item in content["s"]]
    if content.get("f"):
        return [float(item) for item in content["f"]]
    return []


def _text(content: str | list[int]) -> str:
    """A string attribute in either of its two spellings."""
    return bytes(content).decode() if isinstance(content, list) else base64.b64decode(content).decode()
