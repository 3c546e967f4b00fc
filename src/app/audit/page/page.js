// The page of `footfall audit serve`: shows clips and takes tallies. It talks to the command that served it, and to nothing else.
"use strict";

const key = location.hash.slice(1);
const at = (id) => document.getElementById(id);
const KEPT_BITMAPS = 40;

let clips = [];
let shown = null; // { clip, line, bytes, starts, presses, index, timer, bitmaps, compared }

async function ask(path, body) {
  const options = { headers: { "x-audit-key": key } };
  if (body) {
    options.method = "POST";
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The box does not answer. Is `footfall audit serve` still running, and the tunnel open?");
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.error || "The box refused this (" + answer.status + ").");
}

function trouble(error) {
  at("trouble").textContent = error.message;
  at("trouble").hidden = false;
}

function safely(work) {
  return (...given) => {
    at("trouble").hidden = true;
    Promise.resolve().then(() => work(...given)).catch(trouble);
  };
}

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

const when = (ms) => new Date(ms).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
const waiting = () => clips.flatMap((clip) => clip.lines.filter((line) => !line.tallied).map((line) => ({ clip, line })));

// Overview.

async function overview() {
  stop();
  shown = null;
  clips = await (await ask("/api/clips")).json();
  const result = await (await ask("/api/result")).json();
  at("player").hidden = true;
  at("overview").hidden = false;
  tellWaiting();
  at("next").disabled = waiting().length === 0;
  showResult(result);
  const all = clips.slice().sort((a, b) => b.start_ms - a.start_ms);
  at("clips").replaceChildren(...all.flatMap((clip) => clip.lines.map((line) => row(clip, line))));
  if (!all.length) at("clips").append(element("li", "No clip yet. The first ones come within a day or so of the service running."));
}

function tellWaiting() {
  const number = waiting().length;
  at("waiting").textContent = number === 1 ? "1 clip waits" : number + " clips wait";
}

function row(clip, line) {
  const made = element("li");
  const text = element("div", when(clip.start_ms) + " ");
  text.append(element("span", clip.camera + ", " + line.line + (line.tallied ? ", done" : "")));
  const open = element("button", line.tallied ? "Look" : "Count");
  open.setAttribute("aria-label", open.textContent + ": " + text.textContent);
  open.onclick = safely(() => show(clip, line));
  made.append(text, open);
  return made;
}

function showResult(figures) {
  const cards = figures.map((figure) => {
    const card = element("div", "", "figure");
    card.append(element("p", figure.camera + ", " + figure.line));
    const both = figure.both;
    if (both.not_enough) {
      card.append(element("div", both.not_enough[0].toUpperCase() + both.not_enough.slice(1) + "."));
    } else {
      const percent = (share) => (100 * share).toFixed(1);
      card.append(element("strong", percent(both.accuracy) + " % right"));
      card.append(scale(both));
      card.append(element("p", "Between " + percent(both.low) + " and " + percent(both.high) + " % with 95 % confidence, from "
        + both.minutes + " minutes with " + both.people + " people."));
    }
    for (const detail of figure.details) card.append(element("p", detail[0].toUpperCase() + detail.slice(1) + "."));
    return card;
  });
  at("result").replaceChildren(...cards);
  if (!cards.length) at("result").append(element("p", "Nothing is tallied yet.", "hint"));
}

// From 50 to 100 %.
function scale(both) {
  const place = (share) => Math.min(100, Math.max(0, 200 * (share - 0.5)));
  const made = element("div", "", "scale");
  made.setAttribute("aria-hidden", "true");
  const range = element("i");
  range.style.left = place(both.low) + "%";
  range.style.width = place(both.high) - place(both.low) + "%";
  const mark = element("b");
  mark.style.left = place(both.accuracy) + "%";
  made.append(range, mark);
  return made;
}

// Player.

async function show(clip, line) {
  stop();
  const bytes = await (await ask("/api/clips/" + clip.id + "/pictures")).arrayBuffer();
  let end = 0;
  const starts = clip.pictures.map(([, size]) => (end += size) - size);
  shown = { clip, line, bytes, starts, presses: [], index: 0, timer: 0, bitmaps: new Map() };
  at("overview").hidden = true;
  at("player").hidden = false;
  at("what").textContent = clip.camera + ", line " + line.line + ", " + when(clip.start_ms);
  at("seek").max = clip.pictures.length - 1;
  const zoom = Math.max(1, Math.ceil(960 / clip.width));
  at("canvas").width = clip.width * zoom;
  at("canvas").height = clip.height * zoom;
  if (line.tallied) compare(line.tallied, line.counted);
  else begin();
  await go(0);
  at("what").focus();
}

function begin() {
  shown.presses = [];
  at("tally").hidden = false;
  at("compared").hidden = true;
  at("marks").replaceChildren();
  count();
}

async function bitmap(index) {
  const known = shown.bitmaps.get(index);
  if (known) return known;
  const [, size] = shown.clip.pictures[index];
  const jpeg = new Blob([new Uint8Array(shown.bytes, shown.starts[index], size)], { type: "image/jpeg" });
  const made = createImageBitmap(jpeg);
  shown.bitmaps.set(index, made);
  if (shown.bitmaps.size > KEPT_BITMAPS) shown.bitmaps.delete(shown.bitmaps.keys().next().value);
  return made;
}

async function go(index) {
  const of = shown;
  of.index = Math.min(Math.max(index, 0), of.clip.pictures.length - 1);
  const picture = await bitmap(of.index);
  if (shown !== of) return;
  const canvas = at("canvas"), context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  drawLine(context, canvas);
  at("seek").value = of.index;
  const seconds = of.clip.pictures[of.index][0] / 1000;
  at("clock").textContent = seconds.toFixed(1) + " of 60 s";
  at("seek").setAttribute("aria-valuetext", seconds.toFixed(1) + " seconds");
}

// The store lies on the left of whoever walks from `from` to `to`: that is where the arrow points.
function drawLine(context, canvas) {
  const [x1, y1] = [shown.line.from[0] * canvas.width, shown.line.from[1] * canvas.height];
  const [x2, y2] = [shown.line.to[0] * canvas.width, shown.line.to[1] * canvas.height];
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [nx, ny] = [(y2 - y1) / length, -(x2 - x1) / length];
  const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const reach = 0.09 * canvas.width, head = 0.025 * canvas.width;
  const [tx, ty] = [mx + nx * reach, my + ny * reach];
  const path = new Path2D();
  path.moveTo(x1, y1);
  path.lineTo(x2, y2);
  path.moveTo(mx, my);
  path.lineTo(tx, ty);
  for (const side of [1, -1]) {
    path.moveTo(tx, ty);
    path.lineTo(tx - nx * head + side * ny * head, ty - ny * head - side * nx * head);
  }
  context.lineCap = "round";
  for (const [colour, width] of [["#000", 10], ["#ffd400", 5]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(path);
  }
  context.font = "bold " + Math.round(canvas.width / 26) + "px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 6;
  context.strokeStyle = "#000";
  const inset = canvas.width / 30;
  const lx = Math.min(Math.max(tx + nx * head * 1.8, inset), canvas.width - inset);
  const ly = Math.min(Math.max(ty + ny * head * 1.8, inset), canvas.height - inset);
  context.strokeText("in", lx, ly);
  context.fillStyle = "#ffd400";
  context.fillText("in", lx, ly);
}

function play() {
  if (shown.timer) return stop();
  at("play").textContent = "Pause";
  const pictures = shown.clip.pictures;
  if (shown.index >= pictures.length - 1) shown.index = 0;
  const begun = { at: performance.now(), ms: pictures[shown.index][0], speed: Number(at("speed").value) };
  const turn = safely(async () => {
    if (!shown || !shown.timer) return;
    const due = begun.ms + begun.speed * (performance.now() - begun.at);
    let index = shown.index;
    while (index < pictures.length - 1 && pictures[index + 1][0] <= due) index += 1;
    if (index !== shown.index) await go(index);
    for (let ahead = 1; ahead <= 8 && index + ahead < pictures.length; ahead += 1) bitmap(index + ahead);
    if (!shown || !shown.timer) return;
    if (index >= pictures.length - 1) stop();
    else shown.timer = requestAnimationFrame(turn);
  });
  shown.timer = requestAnimationFrame(turn);
}

function stop() {
  if (shown && shown.timer) cancelAnimationFrame(shown.timer);
  if (shown) shown.timer = 0;
  at("play").textContent = "Play";
}

function changeSpeed() {
  if (shown && shown.timer) {
    stop();
    play();
  }
}

async function step(by) {
  stop();
  await go(shown.index + by);
}

// Tally.

function press(way) {
  if (at("tally").hidden) return;
  shown.presses.push({ way, ms: shown.clip.pictures[shown.index][0] });
  count();
  say(way + ", " + total(way));
}

function undo() {
  const last = shown.presses.pop();
  count();
  if (last) say("undone, " + last.way + " " + total(last.way));
}

const total = (way) => shown.presses.filter((press) => press.way === way).length;

function count() {
  at("in-number").textContent = total("in");
  at("out-number").textContent = total("out");
  at("undo").disabled = shown.presses.length === 0;
}

function say(text) {
  at("spoken").textContent = text;
}

async function save() {
  const of = shown;
  stop();
  at("save").disabled = true;
  try {
    const tallied = { in: total("in"), out: total("out") };
    const path = "/api/clips/" + of.clip.id + "/lines/" + encodeURIComponent(of.line.line);
    const answer = await (await ask(path, tallied)).json();
    if (!answer.correction) of.line.tallied = tallied;
    of.line.counted = answer.counted;
    tellWaiting();
    compare(tallied, answer.counted);
    if (answer.correction) {
      at("verdict").textContent += " Kept as a correction. The figure goes by what you counted first: "
        + of.line.tallied.in + " in and " + of.line.tallied.out + " out.";
    }
  } finally {
    at("save").disabled = false;
  }
}

function compare(tallied, counted) {
  at("tally").hidden = true;
  at("compared").hidden = false;
  const same = tallied.in === counted.in && tallied.out === counted.out;
  at("verdict").textContent = "You saw " + tallied.in + " in and " + tallied.out + " out. The box counted "
    + (same ? "the same." : counted.in + " in and " + counted.out + " out.");
  at("another").disabled = waiting().length === 0;
  const yours = shown.presses.map(({ way, ms }) => mark(ms, way, "yours"));
  const boxes = counted.crossings.map((one) => mark(one.at_ms, one.in ? "in" : "out", "boxes"));
  at("marks").replaceChildren(...yours, ...boxes);
}

function mark(ms, way, whose) {
  const made = element("button", "", way + " " + whose);
  made.tabIndex = -1;
  const pictures = shown.clip.pictures;
  let index = pictures.findIndex(([picture]) => picture >= ms);
  if (index < 0) index = pictures.length - 1;
  made.style.left = (100 * index) / Math.max(1, pictures.length - 1) + "%";
  made.title = way + " at " + (ms / 1000).toFixed(1) + " s";
  made.onclick = safely(() => step(Math.max(0, index - 3) - shown.index));
  return made;
}

async function next() {
  const [first] = waiting();
  if (first) await show(first.clip, first.line);
  else await overview();
}

const keys = {
  " ": play, i: () => press("in"), o: () => press("out"), u: undo, s: save,
  ArrowLeft: () => step(-1), ArrowRight: () => step(1),
};

document.addEventListener("keydown", (event) => {
  const isField = ["SELECT", "INPUT"].includes(event.target.tagName);
  const isPressed = event.target.tagName === "BUTTON" && event.key === " ";
  const does = keys[event.key] || keys[event.key.toLowerCase()];
  if (!shown || !does || isField || isPressed || event.ctrlKey || event.altKey || event.metaKey) return;
  if (at("tally").hidden && (does === save || does === undo)) return;
  event.preventDefault();
  safely(does)();
});

at("next").onclick = safely(next);
at("another").onclick = safely(next);
at("again").onclick = safely(() => { begin(); return go(0); });
at("leave").onclick = safely(overview);
at("play").onclick = safely(play);
at("back").onclick = safely(() => step(-1));
at("forth").onclick = safely(() => step(1));
at("speed").onchange = safely(changeSpeed);
at("seek").oninput = safely(() => step(Number(at("seek").value) - shown.index));
at("in").onclick = safely(() => press("in"));
at("out").onclick = safely(() => press("out"));
at("undo").onclick = safely(undo);
at("save").onclick = safely(save);
safely(overview)();
