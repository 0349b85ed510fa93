// The page: what the reader does goes to the worker, what the worker sends is drawn.

import { classColour, drawBoundary, drawCurve, drawMatrix, drawNeurons } from "./draw.js";
import { fromAddress, readForm, rememberDefaults, toAddress } from "./settings.js";

const $ = (id) => document.getElementById(id);
const form = $("settings");
const worker = new Worker("worker.js", { type: "module" });
const MAX_IN_CURVE = 800; // beyond, every second value is let go

let data = null; // what "configured" told: points, labels, names, ceiling, sizes
let boundary = null;
let layer = null;
let curve = [];
let running = false;
let ready = false;
let copyWhenResting = false;
let chosen = 1; // the layer that is looked into

const send = (type, content = {}) => worker.postMessage({ type, ...content });

function say(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
  if (text) $("message").scrollIntoView({ block: "nearest" }); // on a phone the field is far below
}

function showRunning(now) {
  running = now;
  $("run").querySelector(".label").textContent = now ? "Pause" : "Train";
  $("run").setAttribute("aria-pressed", now);
}

function enable(now) {
  for (const id of ["run", "step", "reset", "copy", "link"]) $(id).disabled = !now;
}

// Begin anew with what the form says.
function configure(note = "") {
  $("own").hidden = form.elements.data.value !== "own";
  history.replaceState(null, "", toAddress(form));
  say(note);
  if (ready) send("configure", { settings: readForm(form) });
}

const receive = {
  loading({ text }) {
    $("loading").textContent = text;
  },
  ready() {
    ready = true;
    $("loading").hidden = true;
    send("configure", { settings: readForm(form) });
  },
  configured(message) {
    data = message;
    boundary = null;
    curve = [];
    enable(true);
    showLegend();
    showLayers();
    receive.scores(message);
  },
  scores(message) {
    curve.push(message);
    if (curve.length > MAX_IN_CURVE) curve = curve.filter((_, k) => k % 2 === 0 || k === curve.length - 1);
    $("epoch").textContent = `epoch ${message.epoch.toLocaleString("en")}`;
    $("epoch").dataset.epoch = message.epoch;
    $("accuracy").textContent = message.test_accuracy.toFixed(3);
    $("loss").textContent = message.test_loss.toFixed(3);
    $("speed").textContent = message.epoch
      ? `${message.milliseconds.toFixed(1)} ms an epoch, ${data.parameters.toLocaleString("en")} parameters`
      : `${data.parameters.toLocaleString("en")} parameters`;
    redraw("curves");
  },
  boundary(message) {
    boundary = message;
    redraw("boundary");
  },
  layer(message) {
    layer = message;
    redraw("layer");
  },
  program({ text }) {
    $("code").textContent = text;
  },
  running: () => showRunning(true),
  resting() {
    showRunning(false);
    if (copyWhenResting) copy($("copy"), $("code").textContent);
    copyWhenResting = false;
  },
  failed({ text, lost }) {
    showRunning(false);
    if (lost) enable(false); // until the settings are mended
    if (ready) say(text);
    else $("loading").textContent = text;
  },
};
worker.onmessage = ({ data: message }) => receive[message.type](message);
worker.onerror = (event) => receive.failed({ text: `The page could not start: ${event.message}` });

// Each part is drawn at most once a frame, however many messages arrive.
const waiting = new Set();
const parts = {
  boundary: () => drawBoundary($("boundary"), data, boundary),
  curves() {
    const epochs = curve.map((scores) => scores.epoch);
    const line = (name) => curve.map((scores) => scores[name]);
    drawCurve($("accuracy-curve"), epochs,
      [[line("accuracy"), "--quiet"], [line("test_accuracy"), "--accent"]],
      { low: 0, high: 1, ceiling: data?.ceiling ?? null });
    drawCurve($("loss-curve"), epochs, [[line("loss"), "--quiet"], [line("test_loss"), "--accent"]]);
  },
  layer() {
    if (!layer) return;
    const scale = (most) => `${layer.shape.join(" × ")}, up to ±${most.toPrecision(2)}`;
    $("weights-scale").textContent = scale(drawMatrix($("weights"), layer.weights, layer.shape));
    $("gradients-scale").textContent = scale(drawMatrix($("gradients"), layer.gradients, layer.shape));
    drawNeurons($("neurons"), layer.outputs, layer.side);
  },
};
function redraw(...names) {
  if (!waiting.size) {
    requestAnimationFrame(() => {
      const now = [...waiting];
      waiting.clear();
      for (const name of now) parts[name]();
    });
  }
  for (const name of names) waiting.add(name);
}

function showLegend() {
  $("legend").replaceChildren(...data.names.map((name, k) => {
    const item = document.createElement("li");
    const dot = document.createElement("i");
    dot.style.background = classColour(k);
    item.append(dot, name);
    return item;
  }));
  $("ceiling-key").hidden = data.ceiling == null;
  $("note").textContent = data.ceiling == null
    ? "A quarter of your points is held out; these are the fresh ones."
    : "The classes overlap, so no classifier can do better than the ceiling on fresh points; what"
      + " lies above it is memorised noise.";
}

function showLayers() {
  const { sizes } = data;
  chosen = Math.min(chosen, sizes.length - 2);
  $("layers").replaceChildren(...sizes.slice(1).map((size, k) => {
    const tab = document.createElement("button");
    tab.role = "tab";
    tab.textContent = `${sizes[k]} → ${size}`;
    tab.ariaSelected = k === chosen;
    tab.onclick = () => {
      chosen = k;
      send("look", { index: k });
      for (const other of $("layers").children) other.ariaSelected = other === tab;
    };
    return tab;
  }));
  send("look", { index: chosen });
}

async function copy(button, text) {
  const label = button.firstChild.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.firstChild.textContent = "Copied ";
  } catch {
    $("program").open = true;
    say("The browser does not let this page copy; the program stands below, to be selected.");
  }
  setTimeout(() => (button.firstChild.textContent = label), 1500);
}

const act = {
  run() {
    if (!running) say("");
    send(running ? "pause" : "run");
  },
  step: () => send("step"),
  reset: () => configure(),
  copy() {
    copyWhenResting = true; // the program is of the epochs done
    send("pause");
  },
  link: () => copy($("link"), location.href),
};
for (const [id, action] of Object.entries(act)) $(id).onclick = action;

const KEYS = { " ": "run", s: "step", r: "reset", c: "copy" };
addEventListener("keydown", (event) => {
  const busy = event.target.closest("input:not([type=radio]), textarea, select, button, summary");
  const name = KEYS[event.key.toLowerCase()];
  if (!name || busy?.matches("input, textarea, select") || (busy && event.key === " ")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || $(name).disabled) return;
  event.preventDefault();
  act[name]();
});

form.addEventListener("change", (event) => {
  if (event.target.name === "points") return; // the button below takes them
  if (event.target.name === "data" && event.target.value === "own" && !form.elements.points.value) {
    configureLater();
    return;
  }
  configure();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  configure();
});
$("use-points").onclick = () => configure();

// "Your own" without points: open the field, leave the running model alone.
function configureLater() {
  $("own").hidden = false;
  form.elements.points.focus();
}

addEventListener("hashchange", () => configure(fromAddress(form)));
addEventListener("resize", () => redraw("boundary", "curves", "layer"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (data) showLegend();
  redraw("boundary", "curves", "layer");
});

rememberDefaults(form);
configure(fromAddress(form));
