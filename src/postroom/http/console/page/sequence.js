// A sequence diagram of a conversation: who said what to whom, in order, and how far each message is. Drawn as SVG with attributes
// alone, so that what is exported looks as it does here.

import { s } from "./dom.js";
import { fate } from "./model.js";
import { hue } from "./parts.js";
import { line, preciseClock, secondClock, span } from "./text.js";

const GUTTER = 96;
const NARROW = 620;
const GUTTER_NARROW = 68;
const HEAD = 46;
const STEP = 42;
const GAP = 26;
const GAP_MS = 60_000;
const NAMED_MAX = 14;
const SANS = 'Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';
const MONO = 'ui-monospace, "JetBrains Mono", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
const SIGNALS = { syn: "SYN", "syn-ack": "SYN-ACK", "syn-nack": "SYN-NACK", data: "DATA", fin: "FIN", "fin-ack": "FIN-ACK", lapse: "LAPSE" };

const canvas = document.createElement("canvas").getContext("2d");
const dye = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

function cut(text, width, font) {
  canvas.font = font;
  if (canvas.measureText(text).width <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (canvas.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? `${text.slice(0, low).trimEnd()}…` : "";
}

// A colour as every program that shows SVG understands it.
function plainColour(colour) {
  dye.clearRect(0, 0, 1, 1);
  dye.fillStyle = colour;
  dye.fillRect(0, 0, 1, 1);
  return `#${[...dye.getImageData(0, 0, 1, 1).data.slice(0, 3)].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

// The colours of the page as it is now.
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: of("panel"), ink: of("ink"), dim: of("dim"), line: of("line"), strong: of("line-strong"), accent: of("accent"), bad: of("bad"), warn: of("warn"), good: of("good"), wait: of("wait"),
    agent: (name) => plainColour(`oklch(${of("agent-l")} ${of("agent-c")} ${hue(name)})`),
  };
}

// Where everything stands.
export function layout(traces, width) {
  const names = [];
  const add = (name) => { if (!names.includes(name)) names.push(name); };
  for (const { message } of traces) {
    if (message.sender !== "postroom") add(message.sender);
    for (const name of message.to) add(name);
  }
  if (traces.some(({ message }) => message.sender === "postroom")) add("postroom");
  const others = names.length > NAMED_MAX ? new Set(names.slice(NAMED_MAX - 1)) : new Set();
  const columns = others.size ? [...names.slice(0, NAMED_MAX - 1), `${others.size} others`] : names;
  const narrow = width < NARROW;
  const gutter = narrow ? GUTTER_NARROW : GUTTER;
  const column = Math.min(Math.max((width - gutter - 24) / Math.max(columns.length, 1), 128), 520);
  const x = (name) => gutter + (columns.indexOf(others.has(name) ? columns.at(-1) : name) + 0.5) * column;
  let y = HEAD + 30;
  const rows = traces.map((traced, place) => {
    const late = place ? traced.message.sent_ms - traces[place - 1].message.sent_ms : 0;
    const gap = late >= GAP_MS ? y : null;
    if (gap !== null) y += GAP;
    const row = { ...traced, y, gap, late };
    y += STEP;
    return row;
  });
  return { columns, column, gutter, narrow, x, rows, width: Math.max(gutter + columns.length * column + 24, 320), height: y + 6 };
}

export function sequence(traces, { width, open }) {
  const colours = palette();
  const plan = layout(traces, width);
  const { columns, x, rows, height } = plan;
  const lifelines = columns.map((name) => s("line", { x1: x(name), x2: x(name), y1: HEAD - 8, y2: height - 6, stroke: colours.strong, "stroke-width": 1, "stroke-dasharray": "2 4" }));
  return {
    ...plan,
    head: s("g", {}, columns.map((name) => headOf(name, plan, colours))),
    body: s("g", {}, bands(rows, plan, colours), lifelines, rows.map((row) => [gapOf(row, plan, colours), rowOf(row, plan, colours, open)])),
    colours,
  };
}

function headOf(name, { x, column }, colours) {
  const wide = Math.min(column - 14, 180);
  const colour = /^[#@]|others$/.test(name) ? colours.dim : colours.agent(name);
  return s("g", {},
    s("rect", { x: x(name) - wide / 2, y: 8, width: wide, height: 28, rx: 7, fill: colours.ground, stroke: colours.strong }),
    s("rect", { x: x(name) - wide / 2 + 8, y: 34, width: wide - 16, height: 2, rx: 1, fill: colour }),
    s("text", { x: x(name), y: 26.500, "text-anchor": "middle", "font-family": SANS, "font-size": 13, "font-weight": 600, fill: colours.ink }, cut(line(name), wide - 14, `600 13px ${SANS}`)));
}

// How long a session was open.
function bands(rows, { x, columns }, colours) {
  const first = rows.find((row) => row.message.kind === "syn-ack");
  if (!first) return null;
  const last = rows.find((row) => row.y > first.y && ["fin-ack", "lapse"].includes(row.message.kind)) ?? rows.at(-1);
  const sides = [first.message.sender, ...first.message.to].map(x);
  const [left, right] = [Math.min(...sides) - 7, Math.max(...sides) + 7];
  if (columns.length > 8) return null;
  return s("rect", { x: left, y: first.y - 24, width: right - left, height: last.y - first.y + 38, rx: 10, fill: colours.accent, "fill-opacity": 0.07, stroke: colours.accent, "stroke-opacity": 0.3 });
}

function gapOf({ gap, late }, { width, gutter }, colours) {
  if (gap === null) return null;
  const y = gap - 4;
  return s("g", {},
    s("line", { x1: gutter, x2: width - 16, y1: y, y2: y, stroke: colours.line, "stroke-dasharray": "1 5" }),
    s("text", { x: gutter - 12, y: y + 4, "text-anchor": "end", "font-family": SANS, "font-size": 11, fill: colours.dim }, `${span(late)} later`));
}

const AWAY = new Set(["accepted", "delivered", "held"]);

function rowOf(row, plan, colours, open) {
  const { message, deliveries, y } = row;
  const from = plan.x(message.sender);
  const targets = [...new Set(message.to.map(plan.x))];
  const states = message.to.map((name) => deliveries.find((one) => one.recipient === name)?.state);
  const least = deliveries.length ? fate(deliveries).state : "delivered";
  const failed = least === "refused" || least === "expired" || message.kind === "syn-nack" || message.kind === "lapse";
  const colour = failed ? colours.bad : least === "held" ? colours.warn : message.sender === "postroom" || message.kind === "notice" ? colours.dim : colours.ink;
  const far = targets.reduce((most, at) => (Math.abs(at - from) > Math.abs(most - from) ? at : most), targets[0] ?? from);
  const label = SIGNALS[message.kind] ?? "";
  const words = wordsOf(message);
  const told = `${label || message.kind} from ${message.sender} to ${message.to.join(", ")}, ${least}${words ? `: ${words.slice(0, 160)}` : ""}`;
  return s("g", {},
    open ? callOf(row, told, plan, open) : null,
    s("g", { "aria-hidden": "true", "pointer-events": "none" },
      s("text", { x: 10, y: y + 4, "font-family": MONO, "font-size": 11, fill: colours.dim }, (plan.narrow ? secondClock : preciseClock)(message.sent_ms)),
      targets.map((at) => arrow(from, at, y, colour, AWAY.has(least) && least !== "delivered" ? "5 4" : message.kind === "notice" ? "2 3" : null)),
      targets.map((at, place) => sign(at, y, states[place] ?? least, colours)),
      s("circle", { cx: from, cy: y, r: 2.5, fill: colours.agent(message.sender) }),
      labelOf(label, words, { from, far, y, colour, plan, colours })));
}

// What is clicked, or chosen by keys.
function callOf(row, told, plan, open) {
  const { message, y } = row;
  const pressed = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open(row);
  };
  return s("rect", { class: "call", x: 4, y: y - 24, width: plan.width - 8, height: STEP - 6, rx: 6, fill: "transparent", tabindex: 0, role: "button", "aria-label": told, "data-message": `${message.sender}:${message.id}`, on: { click: () => open(row), keydown: pressed } });
}

function wordsOf(message) {
  if (["syn-ack", "fin", "fin-ack"].includes(message.kind)) return line(message.body);
  const subject = message.kind === "notice" || message.kind === "lapse" ? "" : line(message.subject);
  return [subject, line(message.body.slice(0, 300))].filter(Boolean).join(" · ");
}

function arrow(from, at, y, colour, dashes) {
  if (at === from) {
    return s("g", {},
      s("path", { d: `M${from} ${y - 8}h22a5 5 0 0 1 5 5v4a5 5 0 0 1-5 5h-12`, fill: "none", stroke: colour, "stroke-width": 1.4 }),
      s("path", { d: `M${from + 14} ${y + 2}l-8 4 8 4z`, fill: colour }));
  }
  const way = at > from ? 1 : -1;
  const tip = at - way * 9;
  return s("g", {},
    s("line", { x1: from, x2: tip - way * 5, y1: y, y2: y, stroke: colour, "stroke-width": 1.4, "stroke-dasharray": dashes }),
    s("path", { d: `M${tip} ${y}l${-way * 9} -4.500v9z`, fill: colour }));
}

// How far the message is, on the lifeline of its reader.
function sign(x, y, state, colours) {
  const ground = { fill: colours.ground, stroke: colours.wait, "stroke-width": 1.6 };
  const circle = (more) => s("circle", { cx: x, cy: y, r: 4.500, ...ground, ...more });
  switch (state) {
    case "read": return circle({ fill: colours.good, stroke: colours.good });
    case "answered": return s("g", {}, circle({ r: 6, fill: colours.good, stroke: colours.good }), s("path", { d: `M${x - 2.800} ${y}l2 2.200 3.600-4.200`, fill: "none", stroke: colours.ground, "stroke-width": 1.500, "stroke-linecap": "round", "stroke-linejoin": "round" }));
    case "handed": return s("g", {}, circle({}), s("path", { d: `M${x} ${y - 4.500}a4.500 4.500 0 0 1 0 9z`, fill: colours.wait }));
    case "held": return s("g", {}, circle({ r: 6, stroke: colours.warn }), s("path", { d: `M${x - 1.800} ${y - 2.600}v5.200M${x + 1.800} ${y - 2.600}v5.200`, stroke: colours.warn, "stroke-width": 1.500 }));
    case "refused": case "expired": return s("path", { d: `M${x - 4} ${y - 4}l8 8m0-8-8 8`, stroke: colours.bad, "stroke-width": 2, "stroke-linecap": "round" });
    default: return circle({});
  }
}

function labelOf(label, words, { from, far, y, colour, plan, colours }) {
  const itself = far === from;
  const space = itself ? plan.column / 2 + 20 : Math.abs(far - from) - 24;
  const middle = itself ? from + 34 : (from + far) / 2;
  const mono = `600 11px ${MONO}`;
  canvas.font = mono;
  const taken = label ? canvas.measureText(label).width + (words ? 7 : 0) : 0;
  const shown = cut(words, Math.max(space - taken, 0), `12px ${SANS}`);
  return s("text", { x: middle, y: y - 8, "text-anchor": itself ? "start" : "middle", "font-size": 12, "font-family": SANS, fill: colours.ink },
    label ? s("tspan", { "font-family": MONO, "font-size": 11, "font-weight": 600, fill: colour === colours.ink ? colours.accent : colour }, label) : null,
    label && shown ? s("tspan", { dx: 7 }, shown) : shown);
}

// The whole picture in one piece.
export function standalone(traces, width, scale = 1) {
  const drawn = sequence(traces, { width });
  const picture = s("svg", { xmlns: "http://www.w3.org/2000/svg", width: Math.ceil(drawn.width * scale), height: Math.ceil(drawn.height * scale), viewBox: `0 0 ${drawn.width} ${drawn.height}` },
    s("rect", { width: drawn.width, height: drawn.height, fill: drawn.colours.ground }), drawn.body, drawn.head);
  return { picture, text: new XMLSerializer().serializeToString(picture), width: Math.ceil(drawn.width * scale), height: Math.ceil(drawn.height * scale) };
}

const CANVAS_MAX = 16_000;

export async function asPng(traces, width) {
  const plan = layout(traces, width);
  const scale = Math.min(2, CANVAS_MAX / plan.height, CANVAS_MAX / plan.width);
  const drawn = standalone(traces, width, scale);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawn.text)}`;
  await image.decode();
  const paper = Object.assign(document.createElement("canvas"), { width: drawn.width, height: drawn.height });
  paper.getContext("2d").drawImage(image, 0, 0);
  return new Promise((done) => paper.toBlob(done, "image/png"));
}
