#!/usr/bin/env node
// Checks an AsyncAPI document, with everything that it refers to, with the parser that AsyncAPI itself publishes.
//
// usage: node scripts/asyncapi/check.mjs [--print] FILE
//
//   --print  writes the document as JSON, with every reference resolved, to stdout
//
// Errors and warnings go to stderr, one a line, and end it with exit code 1. It needs no network: `scripts/setup test`
// has installed the parser into build/asyncapi, in the versions of package-lock.json beside this file.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const INSTALLED = new URL("../../build/asyncapi/", import.meta.url);
// What the parser thinks worth knowing, such as a newer version of AsyncAPI, is no fault of the document.
const WORST_THAT_PASSES = 2;
const SEVERITIES = ["error", "warning", "note", "hint"];

let parts;
try {
  const require = createRequire(INSTALLED);
  parts = { Parser: require("@asyncapi/parser").Parser, Ajv2020: require("ajv/dist/2020").default };
} catch {
  console.error(`${fileURLToPath(INSTALLED)} does not hold the AsyncAPI parser; run \`make setup\``);
  process.exit(2);
}

// The parser itself knows JSON Schema draft 7; the messages of a box are described in 2020-12.
const schema2020 = {
  getMimeTypes: () => ["application/schema+json;version=2020-12"],
  parse: ({ data }) => data,
  validate: ({ data, path }) => {
    const ajv = new parts.Ajv2020({ allErrors: true, strict: false });
    if (ajv.validateSchema(data)) return [];
    return ajv.errors.map(({ instancePath, message }) => ({
      message: `no JSON Schema 2020-12: ${message}`,
      path: [...path, ...instancePath.split("/").slice(1)],
    }));
  },
};

const wantsPrint = process.argv[2] === "--print";
const file = process.argv[wantsPrint ? 3 : 2];
if (file === undefined) {
  console.error("usage: node scripts/asyncapi/check.mjs [--print] FILE");
  process.exit(2);
}
const parser = new parts.Parser({ schemaParsers: [schema2020] });
const { document, diagnostics } = await parser.parse(readFileSync(file, "utf8"), { source: resolve(file) });
const faults = diagnostics.filter(({ severity }) => severity < WORST_THAT_PASSES);
for (const { severity, path, range, message } of faults) {
  console.error(`${file}:${range.start.line + 1}  ${SEVERITIES[severity]}: ${path.join(".")}: ${message}`);
}
if (faults.length > 0 || document === undefined) process.exit(1);
if (wantsPrint) {
  // The parser adds names of its own, which begin with x-parser-, and marks circles, of which there are none here.
  console.log(JSON.stringify(document.json(), (key, value) => (key.startsWith("x-parser-") ? undefined : value)));
}
