"""Writes tests/fixtures/heads/*.json: what networks gave, and the people that upstream's own code finds in it.

Footfall's decoders are tested against these. The expected boxes never come from a second copy of our code:
each head's numbers go through the post-processing of the project that it comes from.

    nanodet     real weights    ncnn's Python model zoo
    yolox       real weights    yolox
    ssd         real weights    @tensorflow-models/coco-ssd, in node
    yolov8      random weights  ultralytics
    detr        random weights  transformers' RT-DETR
    rfdetr      random logits   rfdetr; class 0 is its background

usage: make_reference.py --downloads DIR --models DIR --clip vtest.avi --node DIR --yolox DIR --out DIR

Run once in a while, not at set-up. On Debian 12:

    apt-get install python3-torch
    python3 -m venv --system-site-packages VENV
    VENV/bin/pip install --no-deps -r requirements.txt    # and what they then ask for
    VENV/bin/pip download --no-deps --no-build-isolation yolox==0.3.0    # unpacked, the folder is --yolox
    npm install --prefix NODE @tensorflow-models/coco-ssd@2.2.3 @tensorflow/tfjs@4.22.0

A fixture keeps a network's rows (axis 1 of an output) where they can matter; all other numbers are 0. Boxes
are left, top, right, bottom in px of the network's picture, with the score, best first.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import subprocess
import sys
import tempfile
import tomllib
import types
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

SEED = 7
CLIP_FRAME = 300
# Of the real networks only the surer people are recorded, to keep the files small.
SCORE = 0.3
LOWEST_ROW_SCORE = 0.25
RAW_DIGITS = 4
PEOPLE_DIGITS = 7

# The parts of a manifest that a decoder reads.
MANIFEST_PARTS = ("input", "head", "classes", "thresholds")

Outputs = dict[str, np.ndarray]


def main() -> int:
    """Writes every fixture."""
    parser = argparse.ArgumentParser(description="Writes the reference outputs of the decoders.")
    for name in ("downloads", "models", "clip", "node", "yolox", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    frame = clip_frame(arguments.clip)
    write(arguments.out / "nanodet.json", nanodet(arguments.models, frame))
    write(arguments.out / "yolox.json", yolox(arguments.models, arguments.yolox, frame))
    write(arguments.out / "ssd.json", ssd(arguments, frame))
    write(arguments.out / "yolov8.json", yolov8())
    write(arguments.out / "detr.json", rt_detr())
    write(arguments.out / "rfdetr.json", rf_detr())
    return 0


def clip_frame(clip: Path) -> np.ndarray:
    """The frame of the sample clip that the real networks look at."""
    capture = cv2.VideoCapture(str(clip))
    for _ in range(CLIP_FRAME):
        capture.grab()
    good, frame = capture.read()
    if not good:
        sys.exit(f"{clip}: frame {CLIP_FRAME} cannot be read")
    return frame


def write(path: Path, fixture: dict) -> None:
    """One row a line, so that a person can read a difference."""
    if not fixture["people"]:
        sys.exit(f"{path.name}: upstream finds nobody, which tests nothing")
    text = json.dumps(fixture, indent=1)
    path.write_text(_joined_number_lists(text) + "\n")
    print(f"{path}: {len(fixture['people'])} people, {path.stat().st_size} bytes", file=sys.stderr)


def _joined_number_lists(text: str) -> str:
    """Puts each list of numbers on one line; `json` has one number a line."""
    lines, inside = [], False
    for line in text.splitlines():
        if inside:
            lines[-1] += line.strip() if lines[-1].endswith("[") or line.strip().startswith("]") else " " + line.strip()
            inside = not line.strip().startswith("]")
        else:
            lines.append(line)
            inside = line.endswith("[") and '"people"' not in line
    return "\n".join(lines)


def rounded(outputs: Outputs, digits: int = RAW_DIGITS) -> Outputs:
    """The numbers as the fixture will hold them, so that upstream sees the very same ones."""
    return {name: _rounded(array, digits) for name, array in outputs.items()}


def _rounded(array: np.ndarray, digits: int) -> np.ndarray:
    return np.array([float(f"{number:.{digits}g}") for number in array.ravel()], np.float32).reshape(array.shape)


def fixture(made_by: str, picture: str, manifest: dict, outputs: Outputs, people: list) -> dict:
    """The file's content."""
    return {
        "made_by": f"{made_by}, asked by models/reference/make_reference.py",
        "picture": picture,
        "manifest": {part: manifest[part] for part in MANIFEST_PARTS},
        "outputs": {name: _sparse(array.astype(np.float32)) for name, array in outputs.items()},
        "people": sorted(([float(f"{number:.{PEOPLE_DIGITS}g}") for number in person] for person in people), key=lambda p: -p[4]),
    }


def _sparse(array: np.ndarray) -> dict:
    """The rows of axis 1 that are not all 0."""
    rows = {
        str(index): [float(str(number)) for number in row.ravel()]
        for index, row in enumerate(array[0])
        if row.any()
    }
    return {"shape": list(array.shape), "rows": rows}


def version(package: str) -> str:
    """`package 1.2.3`, for the fixture to say."""
    return f"{package} {importlib.metadata.version(package)} (PyPI)"


def read_manifest(models: Path, name: str) -> dict:
    """A manifest of ours, with the threshold that is used here."""
    manifest = tomllib.loads((models / f"{name}.toml").read_text())
    manifest["thresholds"]["score"] = SCORE
    return manifest


def run(models: Path, manifest: dict, picture: np.ndarray) -> Outputs:
    """Runs one of our networks on a picture of its own size."""
    spec = manifest["input"]
    levels = picture[..., ::-1] if spec["channels"] == "rgb" else picture
    normalised = (levels.astype(np.float32) - np.float32(spec["mean"])) / np.float32(spec["std"])
    session = onnxruntime.InferenceSession(str(models / manifest["file"]), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    tensor = np.ascontiguousarray(normalised.transpose(2, 0, 1)[None])
    return dict(zip(names, session.run(names, {spec["name"]: tensor})))


def without_low_rows(outputs: Outputs, scores: dict[str, np.ndarray]) -> Outputs:
    """Sets the rows to 0 whose person score is too low to matter."""
    return {name: np.where((scores[name] >= LOWEST_ROW_SCORE)[None, :, None], array, 0.0) for name, array in outputs.items()}


# --- NanoDet --------------------------------------------------------------------------------------------------


def nanodet(models: Path, frame: np.ndarray) -> dict:
    """Real weights; ncnn's Python NanoDet, with our network's outputs in place of its own network."""
    from ncnn.model_zoo.nanodet import NanoDet

    manifest = read_manifest(models, "nanodet-g-416")
    size, strides = manifest["input"]["width"], manifest["head"]["strides"]
    outputs = run(models, manifest, cv2.resize(frame, (size, size)))
    scores = {f"{kind}{stride}": outputs[f"cls{stride}"][0, :, 0] for stride in strides for kind in ("cls", "reg")}
    outputs = rounded(without_low_rows(outputs, scores))

    upstream = NanoDet.__new__(NanoDet)
    upstream.target_size, upstream.strides, upstream.reg_max = size, strides, manifest["head"]["bins"] - 1
    upstream.mean_vals, upstream.norm_vals = [0.0] * 3, [1.0] * 3
    upstream.prob_threshold, upstream.nms_threshold = manifest["thresholds"]["score"], manifest["thresholds"]["nms_iou"]
    upstream.num_candidate, upstream.top_k = 10_000, -1
    upstream.class_names = [str(index) for index in range(manifest["classes"]["count"])]
    upstream.net = _RecordedNet(outputs, strides)
    # For a square picture upstream takes the map's width from the wrong axis, so it is shown one that is less
    # high. The number of rows of each map comes from the outputs and not from the picture.
    found = upstream(np.zeros((size - 32, size, 3), np.uint8))
    people = [_box_and_score(item) for item in found if int(item.label) == manifest["classes"]["person"]]
    made_by = f"{version('ncnn')}, ncnn/model_zoo/nanodet.py"
    return fixture(made_by, f"frame {CLIP_FRAME} of vtest.avi, stretched", manifest, outputs, people)


def _box_and_score(item) -> list[float]:
    """ncnn's object as left, top, right, bottom, score."""
    return [item.rect.x, item.rect.y, item.rect.x + item.rect.w, item.rect.y + item.rect.h, float(item.prob)]


class _RecordedNet:
    """Stands in for ncnn's network: whatever it is given, it yields the recorded outputs."""

    def __init__(self, outputs: Outputs, strides: list[int]):
        # The names of upstream's own network, scores first.
        names = ["792", "814", "836"], ["795", "817", "839"]
        self.recorded = {
            name: outputs[f"{kind}{stride}"][0].view(_AnyBins)
            for kind, row in zip(("cls", "reg"), names)
            for name, stride in zip(row, strides)
        }

    def create_extractor(self) -> _RecordedNet:
        return self

    def input(self, name: str, picture) -> None:
        pass

    def extract(self, name: str) -> tuple[int, np.ndarray]:
        return 0, self.recorded[name]


class _AnyBins(np.ndarray):
    """Upstream splits each row into 4 x 8 bins in one place, and by `reg_max` afterwards; the first is left out."""

    def reshape(self, *shape, **options):
        return np.asarray(self) if shape == ((-1, 32),) else np.asarray(self).reshape(*shape, **options)


# --- YOLOX ----------------------------------------------------------------------------------------------------


def yolox(models: Path, package: Path, frame: np.ndarray) -> dict:
    """Real weights; YOLOX' own demo code."""
    # Only this module is wanted: importing the package would ask for all that training needs.
    demo = _module("yolox_demo_utils", package / "yolox/utils/demo_utils.py")
    manifest = read_manifest(models, "yolox-nano-416")
    size = manifest["input"]["width"]
    scale = min(size / frame.shape[0], size / frame.shape[1])
    picture = np.full((size, size, 3), manifest["input"]["pad"], np.uint8)
    height, width = int(frame.shape[0] * scale), int(frame.shape[1] * scale)
    picture[:height, :width] = cv2.resize(frame, (width, height))
    outputs = run(models, manifest, picture)
    person = manifest["classes"]["person"]
    scores = {name: array[0, :, 4] * array[0, :, 5 + person] for name, array in outputs.items()}
    outputs = rounded(without_low_rows(outputs, scores))

    decoded = demo.demo_postprocess(next(iter(outputs.values())).copy(), (size, size))[0]
    centres, sides = decoded[:, :2], decoded[:, 2:4]
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    thresholds = manifest["thresholds"]
    found = demo.multiclass_nms(
        boxes,
        decoded[:, 4:5] * decoded[:, 5:],
        nms_thr=thresholds["nms_iou"],
        score_thr=thresholds["score"],
        class_agnostic=False,
    )
    people = [row[:5] for row in found if int(row[5]) == person]
    made_by = "yolox 0.3.0 (PyPI), yolox/utils/demo_utils.py"
    return fixture(made_by, f"frame {CLIP_FRAME} of vtest.avi, letterboxed", manifest, outputs, people)


def _module(name: str, path: Path):
    """One file of a package as a module of its own."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- SSD ------------------------------------------------------------------------------------------------------


def ssd(arguments: argparse.Namespace, frame: np.ndarray) -> dict:
    """Real weights, run and decoded by TensorFlow.js; also compares our conversion with that."""
    manifest = read_manifest(arguments.models, "ssd-mobilenetv2-300")
    size = manifest["input"]["width"]
    # People in the whole frame are too small for this network.
    picture = cv2.resize(frame[SSD_CROP], (size, size))
    # coco-ssd suppresses at an overlap of its least score.
    manifest["thresholds"] = {"score": SCORE, "nms_iou": SCORE}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        path.write_bytes(picture[..., ::-1].tobytes())
        graph = (arguments.downloads / "coco-ssd/model.json").resolve()
        command = ["node", str(Path(__file__).parent.resolve() / "ssd.mjs"), str(graph), str(path), str(SCORE)]
        answer = json.loads(subprocess.run(command, cwd=arguments.node, check=True, capture_output=True).stdout)
    outputs = {
        "scores": np.array(answer["scores"], np.float32),
        "boxes": np.array(answer["boxes"], np.float32)[:, :, 0, :],
    }
    for name, ours in run(arguments.models, manifest, picture).items():
        print(f"ssd {name}: ours and TensorFlow.js' differ by {np.abs(ours - outputs[name]).max():.2g}", file=sys.stderr)
    person = outputs["scores"][0, :, manifest["classes"]["person"]]
    # Upstream saw the numbers as they were; with so many digits that makes no difference that a test could see.
    outputs = rounded(without_low_rows(outputs, {"scores": person, "boxes": person}), digits=7)
    people = []
    for item in answer["found"]:
        if item["class"] != "person":
            sys.exit(f"ssd: also finds a {item['class']}, whose box may suppress a person's; choose another picture")
        left, top, width, height = item["bbox"]
        people.append([left, top, left + width, top + height, item["score"]])
    made_by = "@tensorflow-models/coco-ssd 2.2.3 on @tensorflow/tfjs 4.22.0 (npm)"
    return fixture(made_by, f"a part of frame {CLIP_FRAME} of vtest.avi, stretched", manifest, outputs, people)


SSD_CROP = np.s_[100:400, 200:640]

# --- Heads without weights in a registry: random ones, asked of upstream's code all the same ------------------


def manifest_of(side_px: int, head: dict, person: int, count: int, score: float, nms_iou: float | None) -> dict:
    """A manifest for a network that exists for this test only."""
    return {
        "input": {
            "name": "images",
            "width": side_px,
            "height": side_px,
            "layout": "nchw",
            "channels": "rgb",
            "element": "f32",
            "fit": "stretch",
            "mean": [0.0, 0.0, 0.0],
            "std": [255.0, 255.0, 255.0],
        },
        "head": head,
        "classes": {"person": person, "count": count},
        "thresholds": {"score": score} | ({"nms_iou": nms_iou} if nms_iou else {}),
    }


def yolov8() -> dict:
    """Ultralytics' YOLOv8n with random weights in its head, and its own suppression."""
    known = importlib.metadata.version
    # Asked for its version only; Debian has no torchvision for this torch.
    importlib.metadata.version = lambda name: "0.14.1" if name == "torchvision" else known(name)
    import torch
    from ultralytics.nn.tasks import DetectionModel
    from ultralytics.utils.nms import non_max_suppression

    torch.manual_seed(SEED)
    manifest = manifest_of(64, {"kind": "yolov8", "output": "output0"}, person=0, count=3, score=0.5, nms_iou=0.45)
    network = DetectionModel("yolov8n.yaml", ch=3, nc=3, verbose=False)
    for branch in (*network.model[-1].cv2, *network.model[-1].cv3):
        torch.nn.init.normal_(branch[-1].weight, std=0.3)
        torch.nn.init.zeros_(branch[-1].bias)
    with torch.no_grad():
        _spread(network)
        raw = network(torch.rand(1, 3, 64, 64))[0].numpy()
    outputs = rounded({"output0": raw})
    thresholds = manifest["thresholds"]
    found = non_max_suppression(
        torch.from_numpy(outputs["output0"]),
        conf_thres=thresholds["score"],
        iou_thres=thresholds["nms_iou"],
        classes=[0],
        # Each class by itself, as one wants it who looks for people only.
        multi_label=True,
    )[0]
    people = [row[:5] for row in found.tolist()]
    return fixture(f"{version('ultralytics')}", "random", manifest, outputs, people)


def _spread(network) -> None:
    """Lets the normalising layers see noise, without which an untrained network gives the same box everywhere."""
    import torch

    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    network.train()(torch.rand(8, 3, 64, 64))
    network.eval()


def rt_detr() -> dict:
    """A small RT-DETR with random weights, and transformers' own post-processing."""
    import torch
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrImageProcessor, RTDetrResNetConfig

    torch.manual_seed(SEED)
    side = 96
    head = {"kind": "detr", "boxes": "pred_boxes", "logits": "logits", "scores_are": "logits", "boxes_are": "cxcywh_normalised"}
    manifest = manifest_of(side, head, person=1, count=5, score=0.993, nms_iou=None)
    backbone = RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage2", "stage3", "stage4"]
    )
    config = RTDetrConfig(
        backbone_config=backbone, encoder_in_channels=[16, 32, 64], encoder_hidden_dim=32, d_model=32, num_queries=40,
        decoder_in_channels=[32, 32, 32], encoder_ffn_dim=32, decoder_ffn_dim=32, encoder_attention_heads=2,
        decoder_attention_heads=2, decoder_layers=1, num_labels=5, num_denoising=0,
    )
    network = RTDetrForObjectDetection(config).eval()
    with torch.no_grad():
        # An untrained network answers the same to every query; larger weights and a loud picture tell them apart.
        for parameter in network.model.decoder.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.5)
        answer = network(1000.0 * torch.randn(1, 3, side, side))
    outputs = rounded({"logits": answer.logits.numpy(), "pred_boxes": answer.pred_boxes.numpy()})
    answer.logits, answer.pred_boxes = (torch.from_numpy(outputs[name]) for name in ("logits", "pred_boxes"))
    found = RTDetrImageProcessor().post_process_object_detection(
        answer, threshold=manifest["thresholds"]["score"], target_sizes=torch.tensor([[side, side]])
    )[0]
    kept = found["labels"] == manifest["classes"]["person"]
    people = [[*box, score] for box, score in zip(found["boxes"][kept].tolist(), found["scores"][kept].tolist())]
    return fixture(f"{version('transformers')}, RTDetrImageProcessor", "random", manifest, outputs, people)


def rf_detr() -> dict:
    """RF-DETR's own post-processing on random logits and boxes; its class 0 is the background, 1 a person."""
    import torch

    # The packages' own __init__ files ask for all that training needs, so they are passed over. `box_area` is
    # asked for by a function that is not called here.
    for name in ("rfdetr", "rfdetr.utilities", "rfdetr.models", "torchvision", "torchvision.ops", "torchvision.ops.boxes"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(importlib.metadata.distribution("rfdetr").locate_file(name.replace(".", "/")))]
    sys.modules["torchvision.ops.boxes"].box_area = None
    from rfdetr.models.postprocess import PostProcess

    upstream = PostProcess(num_select=100)
    generator = np.random.default_rng(SEED)
    side, queries, classes = 64, 30, 4
    head = {"kind": "detr", "boxes": "dets", "logits": "labels", "scores_are": "logits", "boxes_are": "cxcywh_normalised"}
    manifest = manifest_of(side, head, person=1, count=classes, score=0.5, nms_iou=None)
    # Boxes inside the picture, because upstream clips them to it and a decoder leaves that to the next step.
    sides = generator.uniform(0.05, 0.4, (1, queries, 2))
    centres = generator.uniform(sides / 2, 1.0 - sides / 2)
    outputs = rounded({"dets": np.concatenate([centres, sides], axis=2), "labels": generator.normal(0.0, 1.5, (1, queries, classes))})
    found = upstream(
        {"pred_logits": torch.from_numpy(outputs["labels"]), "pred_boxes": torch.from_numpy(outputs["dets"])},
        torch.tensor([[side, side]]),
    )[0]
    threshold = manifest["thresholds"]["score"]
    people = [
        [*box, score]
        for box, score, label in zip(found["boxes"].tolist(), found["scores"].tolist(), found["labels"].tolist())
        if label == manifest["classes"]["person"] and score >= threshold
    ]
    return fixture(f"{version('rfdetr')}, PostProcess", "random", manifest, outputs, people)


if __name__ == "__main__":
    sys.exit(main())
