// Says how much a browser is sent: every file of the build, packed as head office packs it.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const files = readdirSync('dist', { recursive: true }).map((name) => join('dist', name)).filter((path) => statSync(path).isFile());
let [all, packed] = [0, 0];
for (const path of files) {
  const bytes = readFileSync(path);
  all += bytes.length;
  packed += gzipSync(bytes, { level: 9 }).length;
}
console.log(`${files.length} files, ${(all / 1024).toFixed(0)} kB, ${(packed / 1024).toFixed(0)} kB packed`);
