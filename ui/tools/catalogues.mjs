// Checks the catalogues: all languages have the same keys and the same places for values, and every key is used.
// That each key that is asked for exists is the compiler's business: keys are a type.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = 'src';
const FOLDER = join(SOURCE, 'catalogue');
const faults = [];

const catalogues = readdirSync(FOLDER).map((name) => ({ name, ...read(join(FOLDER, name)) }));
const english = catalogues.find((one) => one.name === 'en.json');

for (const other of catalogues) {
  for (const key of other.twice) faults.push(`${other.name}: "${key}" stands there twice`);
  for (const key of Object.keys(english.texts)) if (!(key in other.texts)) faults.push(`${other.name}: "${key}" is missing`);
  for (const [key, text] of Object.entries(other.texts)) {
    if (!(key in english.texts)) faults.push(`${other.name}: "${key}" is not in en.json`);
    else compare(other.name, key, text);
  }
}
unused();

for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
console.log(`${catalogues.length} catalogues of ${Object.keys(english.texts).length} sentences agree`);

/** A catalogue, and the keys that it has twice, which JSON would pass over in silence. */
function read(path) {
  const text = readFileSync(path, 'utf8');
  const keys = [...text.matchAll(/^\s*"([^"]+)":/gm)].map(([, key]) => key);
  return { texts: JSON.parse(text), twice: keys.filter((key, at) => keys.indexOf(key) !== at) };
}

function compare(name, key, text) {
  if (text.trim() === '') faults.push(`${name}: "${key}" is empty`);
  const [here, there] = [places(text), places(english.texts[key])];
  if (here === null) faults.push(`${name}: the braces of "${key}" do not match`);
  else if (here !== there) faults.push(`${name}: "${key}" has the places ${here || 'none'}, en.json has ${there || 'none'}`);
}

/** Names of the values of a message, sorted; `null` where braces do not match. */
function places(message) {
  const names = new Set();
  let depth = 0;
  for (let at = 0; at < message.length; at += 1) {
    if (message[at] === '}') depth -= 1;
    if (depth < 0) return null;
    if (message[at] !== '{') continue;
    depth += 1;
    // A brace behind the name of a choice opens a text, any other a value.
    if (/(?:one|other|few|many|two|zero)\s*$/.test(message.slice(0, at)) && depth % 2 === 0) continue;
    const name = /^\{\s*(\w+)\s*[,}]/.exec(message.slice(at));
    if (name) names.add(name[1]);
  }
  return depth === 0 ? [...names].sort().join(', ') : null;
}

/** Keys are asked for whole, or by a stem with a name behind it. */
function unused() {
  const sources = readdirSync(SOURCE, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(SOURCE, name), 'utf8'))
    .join('\n');
  const whole = new Set([...sources.matchAll(/['"`]([a-z_]+(?:\.[a-z_]+)+)['"`]/g)].map(([, key]) => key));
  const stems = [...sources.matchAll(/`([a-z_]+(?:\.[a-z_]+)*\.)\$\{/g)].map(([, stem]) => stem);
  for (const key of Object.keys(english.texts)) {
    if (!whole.has(key) && !stems.some((stem) => key.startsWith(stem))) faults.push(`en.json: "${key}" is not used`);
  }
}
