#!/usr/bin/env node
// Checks an AsyncAPI document, with everything that it refers to: with the parser that AsyncAPI itself publishes, and,
// because that one leaves the schemas of messages in version 3 alone, those and their examples with a JSON Schema validator.
//
// usage: node scripts/asyncapi/check.mjs [--print] FILE
//
//   --print  writes the document as JSON, with every reference resolved, to stdout
//
// Faults go to stderr, one a line, and end it with exit code 1. It needs no network: `scripts/setup test` has
// installed what it uses into build/asyncapi, in the versions of package-lock.json beside this file.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const INSTALLED = new URL("../../build/asyncapi/", import.meta.url);
// What the parser only thinks worth knowing, such as a newer version of AsyncAPI, is no fault of the document.
const SEVERITIES = ["error", "warning"];

function installed() {
  try {
    const require = createRequire(INSTALLED);
    const options = { allErrors: true, strict: true, strictTypes: false, strictRequired: false };
    // Notes to readers, which a validator passes over.
    const vocabulary = ["contentEncoding", "contentMediaType"];
    const validator = (name) => new (require(name).default)({ ...options, vocabulary });
    return {
      parser: new (require("@asyncapi/parser").Parser)(),
      validators: {
        "application/schema+json;version=draft-07": validator("ajv"),
        "application/schema+json;version=2020-12": validator("ajv/dist/2020"),
      },
    };
  } catch (fault) {
    console.error(`${fileURLToPath(INSTALLED)} does not hold what this needs; run \`make setup\` (${fault.message})`);
    process.exit(2);
  }
}

// The parser adds names of its own to what it has read.
const withoutOwn = (document) =>
  JSON.parse(JSON.stringify(document, (key, value) => (key.startsWith("x-parser-") ? undefined : value)));

// What is wrong with the schema of a message, or with an example of it.
function* faultsOf(message, validators) {
  const { schemaFormat, schema } = message.payload ?? {};
  const validator = validators[schemaFormat];
  if (validator === undefined) {
    yield `the payload has the format ${schemaFormat}; give one of ${Object.keys(validators).join(", ")}`;
    return;
  }
  let validate;
  try {
    validate = validator.compile(schema);
  } catch (fault) {
    yield `the payload is no schema: ${fault.message}`;
    return;
  }
  for (const { name, payload } of message.examples ?? []) {
    if (!validate(payload)) yield `the example ${name} is none: ${validator.errorsText(validate.errors)}`;
  }
}

const wantsPrint = process.argv[2] === "--print";
const file = process.argv[wantsPrint ? 3 : 2];
if (file === undefined) {
  console.error("usage: node scripts/asyncapi/check.mjs [--print] FILE");
  process.exit(2);
}
const { parser, validators } = installed();
const { document, diagnostics } = await parser.parse(readFileSync(file, "utf8"), { source: resolve(file) });
const faults = diagnostics
  .filter(({ severity }) => severity < SEVERITIES.length)
  .map(({ severity, path, range, message }) =>
    `${range.start.line + 1}  ${SEVERITIES[severity]}: ${path.join(".")}: ${message}`);
const read = document === undefined ? undefined : withoutOwn(document.json());
for (const [name, channel] of Object.entries(read?.channels ?? {})) {
  for (const [key, message] of Object.entries(channel.messages ?? {})) {
    for (const fault of faultsOf(message, validators)) faults.push(`  error: channels.${name}.messages.${key}: ${fault}`);
  }
}
for (const fault of faults) console.error(`${file}:${fault}`);
if (faults.length > 0 || read === undefined) process.exit(1);
if (wantsPrint) console.log(JSON.stringify(read));
