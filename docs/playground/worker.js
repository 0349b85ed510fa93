// Runs the engine beside the page: messages in are what the reader does, messages out what to draw.

const FRAME = 0.05; // seconds of training between two messages, so that a pause is felt at once
const COARSE = 56; // squares along each side of the boundary while training, and at rest
const FINE = 128;
const DRAW_EVERY = 120; // milliseconds; a boundary costs as much as some epochs

let session = null;
let Session = null;
let running = false;
let layer = 0;
let drawn = 0;

const post = (type, content = {}) => self.postMessage({ type, ...content });

async function load() {
  const answer = await fetch("runtime.json");
  if (!answer.ok) throw new Error("This page is not built yet: run python docs/playground/build.py");
  const runtime = await answer.json();
  const at = (path) => new URL(path, self.location.href).href;
  post("loading", { text: "Loading Python…" });
  const { loadPyodide } = await import(at(runtime.pyodide + "pyodide.mjs"));
  const pyodide = await loadPyodide({ indexURL: at(runtime.pyodide) });
  post("loading", { text: "Loading NumPy and mapicx…" });
  const numpy = runtime.numpy.endsWith(".whl") ? at(runtime.numpy) : runtime.numpy;
  const quiet = { messageCallback: () => {} };
  await pyodide.loadPackage([numpy, at(runtime.mapicx)], quiet);
  const source = await (await fetch("playground.py")).text();
  pyodide.FS.writeFile("/home/pyodide/playground.py", source); // a file: it shows its own source
  Session = pyodide.pyimport("playground").Session;
}

// Call a method of the session and give its result as plain JavaScript.
function call(method, ...values) {
  const result = session[method](...values);
  if (!result?.toJs) return result;
  const plain = result.toJs({ dict_converter: Object.fromEntries, create_pyproxies: false });
  result.destroy();
  return plain;
}

// What a reader can mend has a sentence in its last line, as "ValueError: sentence".
function fail(error) {
  running = false;
  const last = String(error.message ?? error).trim().split("\n").pop();
  post("failed", { text: last.replace(/^\w*Error: /, ""), lost: session === null });
}

function draw(side) {
  post("boundary", call("boundary", side));
  post("layer", call("look", layer));
  drawn = performance.now();
}

function rest() {
  running = false;
  draw(FINE);
  post("program", { text: call("program") });
  post("resting");
}

const breathe = () => new Promise((resolve) => setTimeout(resolve)); // lets messages in

async function run() {
  if (running) return;
  running = true;
  post("running");
  while (running) {
    post("scores", call("train", FRAME));
    if (performance.now() - drawn > DRAW_EVERY) draw(COARSE);
    await breathe();
  }
}

const actions = {
  configure({ settings }) {
    running = false;
    session?.destroy();
    session = null;
    session = Session(JSON.stringify(settings));
    post("configured", call("describe"));
    rest();
  },
  run: () => session && run().catch(fail),
  pause: () => session && rest(),
  step() {
    if (!session) return;
    post("scores", call("train", 0));
    rest();
  },
  look({ index }) {
    layer = index;
    if (session) post("layer", call("look", layer));
  },
};

self.onmessage = async ({ data }) => {
  try {
    await loaded;
    actions[data.type](data);
  } catch (error) {
    fail(error);
  }
};

const loaded = load();
loaded.then(() => post("ready"), fail);
