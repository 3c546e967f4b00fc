// Runs TensorFlow.js' own coco-ssd on one picture, and prints what its network gave and what it made of it.
//
// usage: node ssd.mjs MODEL.json PICTURE MIN_SCORE
//
// PICTURE: 300 x 300 px, 3 bytes each, red, green, blue. Started by make_reference.py, from a folder that has
// @tensorflow-models/coco-ssd and @tensorflow/tfjs in its node_modules.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const tf = require("@tensorflow/tfjs");
const cocoSsd = require("@tensorflow-models/coco-ssd");

const [modelPath, picturePath, minScore] = process.argv.slice(2);
const SIDE_PX = 300;
const MOST_BOXES = 100;

const graph = JSON.parse(readFileSync(modelPath, "utf8"));
const shards = graph.weightsManifest.flatMap((group) => group.paths);
const weights = Buffer.concat(shards.map((path) => readFileSync(join(dirname(modelPath), path))));
const network = await cocoSsd.load({
  modelUrl: {
    load: async () => ({
      modelTopology: graph.modelTopology,
      weightSpecs: graph.weightsManifest.flatMap((group) => group.weights),
      weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength),
    }),
  },
});

const picture = tf.tensor3d(new Uint8Array(readFileSync(picturePath)), [SIDE_PX, SIDE_PX, 3], "int32");
const [scores, boxes] = await network.model.executeAsync(tf.expandDims(picture));
const found = await network.detect(picture, MOST_BOXES, Number(minScore));
console.log(JSON.stringify({ scores: await scores.array(), boxes: await boxes.array(), found }));
