// Holds the colours of tokens.css to what docs/design/pages.md says of them, by day and by night: contrast (WCAG 2), and how far the
// colours of series are apart, also for the colour-blind.

import { readFileSync } from 'node:fs';

const TEXT = 4.5;
const MARK = 3;
/** CIE 1976 colour difference. */
const APART = 20;
/** What is seen without red, green or blue cones, on linear RGB: Machado, Oliveira and Fernandes 2009, table 1, severity 1. */
const EYES = {
  'all cones': [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  'no red cones': [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  'no green cones': [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  'no blue cones': [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

const css = readFileSync(new URL('../src/kit/tokens.css', import.meta.url), 'utf8');
const [day, night] = css.split('@media').map((part) => Object.fromEntries([...part.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value])));

const linear = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
function contrast(a, b) {
  const [low, high] = [a, b].map((hex) => luminance(linear(hex))).sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}
const seen = (rgb, eye) => eye.map((row) => Math.min(1, Math.max(0, row.reduce((sum, part, at) => sum + part * rgb[at], 0))));
function lab(rgb) {
  const [r, g, b] = rgb;
  const bent = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = bent((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
  const y = bent(luminance(rgb));
  const z = bent((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const faults = [];
function hold(what, value, least) {
  if (!(value >= least)) faults.push(`${what}: ${value.toFixed(2)}, not ${least}`);
}
for (const [mode, colours] of [['day', day], ['night', { ...day, ...night }]]) {
  const pairs = (names, grounds, least) => names.forEach((name) => grounds.forEach((ground) => hold(`${mode}: ${name} on ${ground}`, contrast(colours[name], colours[ground]), least)));
  const grounds = ['ground', 'surface', 'sunken'];
  const series = [1, 2, 3, 4, 5, 6].map((one) => `series-${one}`);
  pairs(['text', 'muted', 'accent'], grounds, TEXT);
  for (const name of ['good', 'bad', 'warn', 'accent']) pairs([name], [`${name}-soft`, 'surface'], TEXT);
  pairs(['on-accent'], ['accent'], TEXT);
  pairs(['heat-text-low'], ['heat-0', 'heat-1', 'heat-2', 'heat-3'], TEXT);
  pairs(['heat-text-high'], ['heat-4', 'heat-5', 'heat-6'], TEXT);
  pairs([...series, 'edge'], grounds, MARK);
  for (const [eye, sight] of Object.entries(EYES)) {
    const points = series.map((name) => lab(seen(linear(colours[name]), sight)));
    points.forEach((a, at) => points.slice(0, at).forEach((b, other) => hold(`${mode}, ${eye}: ${series[at]} from ${series[other]}`, Math.hypot(...a.map((v, i) => v - b[i])), APART)));
  }
}
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}
console.log('colours keep their contrast, and series are told apart');
