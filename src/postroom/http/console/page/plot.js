// Plots of a series of minutes: bars, and lines on a logarithmic scale with a band. Drawn as SVG as wide as there is room.

import { fill, h, s } from "./dom.js";
import { number, shortClock, took } from "./text.js";

const LEFT = 46;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 20;

// `draw(width)` returns the SVG; it is drawn anew when the width or the theme changes.
export function plot({ title, legend, draw, height = 150 }) {
  const space = h("div", { class: "plot-space" });
  space.style.height = `${height}px`;
  const words = h("p", { class: "unseen-by-eye" });
  const shown = h("figure", { class: "plot" }, h("figcaption", {}, h("h2", {}, title), legend), space, words);
  let data = null;
  const again = () => {
    if (!data || !space.clientWidth) return;
    const { picture, summary } = draw(data, space.clientWidth, height);
    fill(space, picture);
    words.textContent = summary;
  };
  const watcher = new ResizeObserver(again);
  watcher.observe(space);
  return { element: shown, set: (next) => { data = next; again(); }, close: () => watcher.disconnect() };
}

function frame(width, height, ticks, y, format, minutes) {
  const every = Math.max(Math.ceil(minutes.length / Math.max(Math.floor((width - LEFT) / 90), 1)), 1);
  const step = (width - LEFT - RIGHT) / minutes.length;
  return [
    ticks.map((tick) => [
      s("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
      s("text", { class: "tick", x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, format(tick)),
    ]),
    minutes.map((minute, place) =>
      (minutes.length - 1 - place) % every === 0 && place * step > 14
        ? s("text", { class: "tick", x: LEFT + (place + 0.5) * step, y: height - 4, "text-anchor": place === minutes.length - 1 ? "end" : "middle" }, shortClock(minute.start_ms))
        : null),
  ];
}

function svg(width, height, ...parts) {
  return s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, parts);
}

function steps(most) {
  const raw = Math.max(most, 1) / 3;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max([1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw), 1);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, place) => place * step);
}

export function bars(minutes, width, height) {
  const most = Math.max(...minutes.map((minute) => minute.sent), 1);
  const ticks = steps(most);
  const high = ticks.at(-1);
  const y = (value) => TOP + (1 - value / high) * (height - TOP - BOTTOM);
  const step = (width - LEFT - RIGHT) / minutes.length;
  const wide = Math.max(step - (step > 5 ? 2 : 0.5), 0.8);
  const shapes = minutes.map((minute, place) =>
    minute.sent
      ? s("rect", { class: place === minutes.length - 1 ? "column now" : "column", x: LEFT + place * step + (step - wide) / 2, y: y(minute.sent), width: wide, height: Math.max(y(0) - y(minute.sent), 1), rx: Math.min(wide / 3, 2) }, s("title", {}, `${shortClock(minute.start_ms)}: ${number(minute.sent)}`))
      : null);
  const total = minutes.reduce((sum, minute) => sum + minute.sent, 0);
  return {
    picture: svg(width, height, frame(width, height, ticks, y, number, minutes), shapes),
    summary: `${number(total)} messages in the last ${minutes.length} minutes, at most ${number(most)} in one.`,
  };
}

export function lines(minutes, width, height) {
  const values = minutes.flatMap((minute) => [minute.handed_p95, minute.read_p95, minute.read_p50, minute.handed_p50]).filter((value) => value !== null);
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values, 10)));
  const decades = Math.max(Math.round(Math.log10(high)), 1);
  const all = Array.from({ length: decades + 1 }, (_, place) => 10 ** place);
  const ticks = all.filter((_, place) => place % Math.ceil(all.length / 5) === 0);
  const y = (value) => TOP + (1 - Math.log10(Math.max(value, 1)) / decades) * (height - TOP - BOTTOM);
  const step = (width - LEFT - RIGHT) / minutes.length;
  const x = (place) => LEFT + (place + 0.5) * step;
  const line = (name, kind) => [
    ...runs(minutes, name).map((run) => s("polyline", { class: `line ${kind}`, points: run.map(([place, value]) => `${x(place)},${y(value)}`).join(" ") })),
    ...runs(minutes, name).filter((run) => run.length === 1).map(([[place, value]]) => s("circle", { class: `line-dot ${kind}`, cx: x(place), cy: y(value), r: 2.5 })),
  ];
  const band = (low, up, kind) =>
    runs(minutes, up).map((run) => s("polygon", { class: `band ${kind}`, points: [...run.map(([place, value]) => `${x(place)},${y(value)}`), ...run.toReversed().map(([place]) => `${x(place)},${y(minutes[place][low])}`)].join(" ") }));
  const last = minutes.findLast((minute) => minute.read_p50 !== null);
  return {
    picture: svg(width, height, frame(width, height, ticks, y, (value) => (value === 1 ? "≤1 ms" : took(value).replace(".0", "")), minutes), band("read_p50", "read_p95", "read"), band("handed_p50", "handed_p95", "handed"), line("read_p50", "read"), line("handed_p50", "handed")),
    summary: last ? `Lately half of the messages were handed over within ${took(last.handed_p50 ?? 0)} and read within ${took(last.read_p50)}.` : "Nothing was read lately.",
  };
}

// The stretches of minutes in which there is a value.
function runs(minutes, name) {
  const found = [];
  let run = [];
  for (const [place, minute] of minutes.entries()) {
    if (minute[name] !== null) run.push([place, minute[name]]);
    else if (run.length) {
      found.push(run);
      run = [];
    }
  }
  return run.length ? [...found, run] : found;
}

export function swatch(kind, words) {
  return h("span", { class: `swatch ${kind}` }, words);
}
