// The form, the address and one plain object: three faces of the same settings.

const NUMBERS = ["seed", "dropout", "lr", "l2", "batch"];
const LONGEST_POINTS = 6000; // characters of own points that an address carries

export function readForm(form) {
  const settings = Object.fromEntries(new FormData(form));
  for (const name of NUMBERS) settings[name] = Number(settings[name]);
  return settings;
}

// The address of these settings; what is as at first is left out.
export function toAddress(form) {
  const parts = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (name === "points") continue;
    if (value !== form.dataset[name]) parts.set(name, value);
  }
  const points = form.elements.points.value;
  if (parts.get("data") === "own" && points.length <= LONGEST_POINTS) parts.set("points", points);
  return parts.size ? `#${parts}` : location.pathname + location.search;
}

// Remember what the page began with, to know what differs.
export function rememberDefaults(form) {
  for (const [name, value] of new FormData(form)) form.dataset[name] = value;
}

// Put the address's settings into the form; returns a sentence about what it could not take.
export function fromAddress(form) {
  const wrong = [];
  form.reset();
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    const field = form.elements[name];
    if (!field || !name) {
      wrong.push(name);
      continue;
    }
    const before = field.value;
    field.value = value;
    const taken = field.value === value && (field.validity?.valid ?? true);
    if (!taken) {
      field.value = before;
      wrong.push(`${name}=${value}`);
    }
  }
  return wrong.length ? `The address asks for ${wrong.join(", ")}, which is not offered here.` : "";
}
