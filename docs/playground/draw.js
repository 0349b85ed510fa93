// Everything that is painted: the plane, the curves, and the inside of a layer.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
export const classColour = (k) => colour(`--class-${k}`);

// The canvas at the screen's own resolution; null while it is not shown.
function prepare(canvas) {
  const scale = devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width || !height) return null;
  const pixels = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

function image(width, height, fill) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  fill(data.data);
  context.putImageData(data, 0, 0);
  return canvas;
}

// Shares of each class on a coarse grid become a picture with sharp borders between the classes:
// the shares are interpolated, the winner's colour is laid on in steps of certainty.
const FINE = 400;
const STEPS = 6;

function plane({ side, shares }, paper) {
  const classes = shares.length / (side * side);
  const colours = Array.from({ length: classes }, (_, k) => rgb(classColour(k)));
  return image(FINE, FINE, (pixels) => {
    for (let row = 0, at = 0; row < FINE; row++) {
      const y = Math.min(Math.max(((row + 0.5) / FINE) * side - 0.5, 0), side - 1.001);
      const top = Math.floor(y);
      const v = y - top;
      for (let column = 0; column < FINE; column++, at += 4) {
        const x = Math.min(Math.max(((column + 0.5) / FINE) * side - 0.5, 0), side - 1.001);
        const left = Math.floor(x);
        const u = x - left;
        let best = 0;
        let most = -1;
        for (let k = 0, corner = top * side + left; k < classes; k++, corner += side * side) {
          const above = shares[corner] * (1 - u) + shares[corner + 1] * u;
          const below = shares[corner + side] * (1 - u) + shares[corner + side + 1] * u;
          const share = above * (1 - v) + below * v;
          if (share > most) [best, most] = [k, share];
        }
        const certain = (most - 1 / classes) / (1 - 1 / classes);
        const strength = 0.14 + (0.5 * Math.round(certain * STEPS)) / STEPS;
        for (let c = 0; c < 3; c++)
          pixels[at + c] = paper[c] + (colours[best][c] - paper[c]) * strength;
        pixels[at + 3] = 255;
      }
    }
  });
}

export function drawBoundary(canvas, data, boundary) {
  const place = prepare(canvas);
  if (!place || !data) return;
  const { context, width, height } = place;
  if (boundary) context.drawImage(plane(boundary, rgb(colour("--card"))), 0, 0, width, height);
  const radius = Math.max(2.2, width / 190) * (data.labels.length > 1000 ? 0.6 : 1);
  context.lineWidth = Math.max(1, radius / 3);
  context.strokeStyle = colour("--card");
  data.labels.forEach((label, k) => {
    const x = (data.points[2 * k] / data.reach[0] / 2 + 0.5) * width;
    const y = (0.5 - data.points[2 * k + 1] / data.reach[1] / 2) * height;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fillStyle = classColour(label);
    context.fill();
    context.stroke();
  });
}

// Lines over the epochs: `lines` is [[values, variable of the colour], ...].
export function drawCurve(canvas, epochs, lines, { low = null, high = null, ceiling = null } = {}) {
  const place = prepare(canvas);
  if (!place) return;
  const { context, width, height } = place;
  const [left, right, top, bottom] = [34, 8, 8, 18];
  const values = lines.flatMap(([line]) => line);
  const from = low ?? Math.min(0, ...values);
  const to = high ?? Math.max(0.1, ...values) * 1.05;
  const last = Math.max(epochs.at(-1) ?? 0, 10);
  const x = (epoch) => left + (epoch / last) * (width - left - right);
  const y = (value) => top + (1 - (value - from) / (to - from)) * (height - top - bottom);
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  context.fillStyle = colour("--quiet");
  context.textBaseline = "middle";
  for (const share of [0, 0.5, 1]) {
    const value = from + share * (to - from);
    context.textAlign = "right";
    context.fillText(value.toFixed(to - from > 20 ? 0 : 2), left - 5, y(value));
    context.strokeStyle = colour("--line");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(left, y(value));
    context.lineTo(width - right, y(value));
    context.stroke();
  }
  context.fillText(`${last} epochs`, width - right, height - 6);
  if (ceiling !== null) {
    context.setLineDash([5, 4]);
    context.strokeStyle = context.fillStyle = colour("--high");
    context.beginPath();
    context.moveTo(left, y(ceiling));
    context.lineTo(width - right, y(ceiling));
    context.stroke();
    context.setLineDash([]);
    context.textAlign = "left";
    context.fillText(`ceiling ${ceiling.toFixed(3)}`, left + 4, y(ceiling) - 8);
  }
  context.lineJoin = "round";
  for (const [line, name] of lines) {
    context.lineWidth = name === "--accent" ? 2.4 : 1.2;
    context.strokeStyle = colour(name);
    context.beginPath();
    line.forEach((value, k) => context.lineTo(x(epochs[k]), y(Math.min(value, to))));
    context.stroke();
  }
}

// Values as an image: zero is the paper, the largest has full colour. Returns the largest.
export function drawMatrix(canvas, values, [rows, columns]) {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const paint = painter(largest);
  const tall = rows > 2 * columns; // laid on its side, so that it does not tower
  const [height, width] = tall ? [columns, rows] : [rows, columns];
  canvas.width = width;
  canvas.height = height;
  canvas.style.aspectRatio = `${width} / ${Math.max(height, width / 8)}`;
  canvas.getContext("2d").drawImage(
    image(width, height, (pixels) => {
      for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++)
          paint(pixels, 4 * (row * width + column),
            tall ? values[column * columns + row] : values[row * columns + column]);
    }), 0, 0);
  return largest;
}

function painter(largest) {
  const [paper, low, high] = ["--card", "--low", "--high"].map((name) => rgb(colour(name)));
  return (pixels, at, value) => {
    const end = value < 0 ? low : high;
    const strength = Math.sqrt(Math.abs(value) / (largest || 1)); // small values stay visible
    for (let c = 0; c < 3; c++) pixels[at + c] = paper[c] + (end[c] - paper[c]) * strength;
    pixels[at + 3] = 255;
  };
}

const MAX_PICTURES = 64;

export function drawNeurons(canvas, outputs, side) {
  const count = Math.min(MAX_PICTURES, outputs.length / (side * side));
  const width = canvas.clientWidth || 600;
  const gap = 4;
  const across = Math.min(count, Math.max(4, Math.min(16, Math.floor(width / 52))));
  const size = Math.min((width - gap * (across - 1)) / across, 110);
  canvas.style.height = `${Math.ceil(count / across) * (size + gap) - gap}px`;
  const place = prepare(canvas);
  if (!place) return;
  for (let k = 0; k < count; k++) {
    const seen = outputs.subarray(k * side * side, (k + 1) * side * side);
    const paint = painter(seen.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
    const picture = image(side, side, (pixels) => seen.forEach((v, j) => paint(pixels, 4 * j, v)));
    const [x, y] = [(k % across) * (size + gap), Math.floor(k / across) * (size + gap)];
    place.context.drawImage(picture, x, y, size, size);
    place.context.strokeStyle = colour("--line");
    place.context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
  }
}
