// The small things that every view shows in the same way: an agent, a state, a kind, a choice.

import { h, s } from "./dom.js";
import { line, said, took } from "./text.js";

export function hue(name) {
  let sum = 0x811c9dc5;
  for (const character of name) sum = Math.imul(sum ^ character.codePointAt(0), 0x01000193) >>> 0;
  return ((sum >>> 8) % 24) * 15;
}

export function to(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export function go(...parts) {
  location.hash = to(...parts).slice(1);
}

export function who(name, props = {}) {
  const special = name === "human" ? "human" : name === "postroom" ? "postroom" : "";
  const room = name.startsWith("#");
  const place = room ? to("rooms", name.slice(1)) : to("agent", name);
  if (name.startsWith("@")) return h("span", { class: "who crowd", ...props }, said(name));
  return h("a", { class: `who ${special || (room ? "room" : "")}`, href: place, vars: { hue: hue(name) }, ...props }, said(name));
}

// Without a link, where the whole row is one.
export function whoText(name) {
  const special = name === "human" ? "human" : name === "postroom" ? "postroom" : name.startsWith("#") ? "room" : name.startsWith("@") ? "crowd" : "";
  return h("span", { class: `who ${special}`, vars: { hue: hue(name) } }, said(name));
}

export function several(names, show = whoText, most = 3) {
  const shown = names.slice(0, most).flatMap((name, place) => [place ? ", " : null, show(name)]);
  return names.length > most ? [...shown, h("span", { class: "dim" }, ` and ${names.length - most} more`)] : shown;
}

// States: each has a form of its own, not only a colour.

const GLYPHS = {
  accepted: () => [s("circle", { cx: 6, cy: 6, r: 4, class: "thin dots" })],
  delivered: () => [s("circle", { cx: 6, cy: 6, r: 4, class: "thin" })],
  handed: () => [s("circle", { cx: 6, cy: 6, r: 4, class: "thin" }), s("path", { d: "M6 2a4 4 0 0 1 0 8z", class: "full" })],
  read: () => [s("circle", { cx: 6, cy: 6, r: 4.5, class: "full" })],
  answered: () => [s("path", { d: "M1.800 6.400 4.800 9.400 10.400 2.800", class: "thick" })],
  held: () => [s("path", { d: "M4 2v8M8 2v8", class: "thick" })],
  expired: () => [s("path", { d: "M2.500 1.500h7L6 6l3.500 4.500h-7L6 6z", class: "thin" })],
  refused: () => [s("path", { d: "m2.500 2.500 7 7m0-7-7 7", class: "thick" })],
};

export function glyph(state) {
  return s("svg", { class: `glyph s-${state}`, viewBox: "0 0 12 12", "aria-hidden": "true" }, GLYPHS[state]?.() ?? []);
}

export function stateOf({ state, read, all }) {
  const words = all > 1 && read < all && read > 0 ? `${read}/${all} read` : state;
  return h("span", { class: `state s-${state}` }, glyph(state), words);
}

export function deliveryOf(one, sent) {
  const last = one.answered_ms ?? one.read_ms ?? one.ended_ms ?? one.handed_ms;
  const late = last ? took(Math.max(last - sent, 0)) : one.online ? "" : "away";
  return h(
    "span",
    { class: `delivery s-${one.state}`, title: one.reason ? line(one.reason) : null },
    glyph(one.state),
    whoText(one.recipient),
    h("span", { class: "word" }, one.state),
    late ? h("span", { class: "dim num" }, late) : null,
  );
}

const KINDS = { syn: "SYN", "syn-ack": "SYN-ACK", "syn-nack": "SYN-NACK", data: "DATA", fin: "FIN", "fin-ack": "FIN-ACK", lapse: "LAPSE", notice: "notice" };

export function kindOf(kind) {
  return KINDS[kind] ? h("span", { class: `kind k-${kind}` }, KINDS[kind]) : null;
}

export const KIND_NAMES = ["message", ...Object.keys(KINDS)];

export function urgencyOf(message) {
  return message.urgency === "now" ? h("span", { class: "kind k-now" }, "now") : null;
}

export function dot(agent) {
  const how = agent.paused !== null && agent.paused !== undefined ? "paused" : agent.status;
  return h("span", { class: `dot d-${how}`, role: "img", "aria-label": how, title: how });
}

// Controls

export function chooser(label, options, value, act, props = {}) {
  const select = h(
    "select",
    { "aria-label": label, ...props, on: { change: () => act(select.value) } },
    options.map(([id, words]) => h("option", { value: id }, words)),
  );
  select.value = value;
  return select;
}

export function field(label, input, hint) {
  return h("label", { class: "field" }, h("span", { class: "label" }, label), input, hint ? h("span", { class: "hint" }, hint) : null);
}

export function empty(title, words) {
  return h("div", { class: "empty" }, h("p", { class: "title" }, title), words ? h("p", {}, words) : null);
}

export function key(...keys) {
  return keys.map((one) => h("kbd", {}, one));
}
