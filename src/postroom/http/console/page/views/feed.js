// The live feed: every message as it comes, newest first, and all that were before. Only the rows that are seen exist.

import { look } from "../api.js";
import { h } from "../dom.js";
import { fate, keyOf, moved, on } from "../model.js";
import { chooser, go, KIND_NAMES, kindOf, several, stateOf, urgencyOf, whoText } from "../parts.js";
import { Rows } from "../rows.js";
import { clock, number, saidLine, time } from "../text.js";

const PAGE = 500;
const CLIP = 400;
const NEWEST = 200;
const MOST = 200_000;
const FRAME_MS = 40;
const SETTLE_MS = 500;
const STATES = ["delivered", "handed", "read", "answered", "held", "expired", "refused"];

// A list of messages that goes on by itself. `peer` narrows it where the node can; `lets` is what the page filters besides.
export class Feed {
  constructor({ peer, label, signal }) {
    this.peer = peer;
    this.items = [];
    this.known = new Map();
    this.lets = () => true;
    this.began = false;
    this.fresh = 0;
    this.flushing = null;
    this.looking = null;
    const narrow = matchMedia("(max-width: 720px)");
    this.rows = new Rows({ label, height: narrow.matches ? 62 : 34, render: (item) => feedRow(item), open: (item) => go("thread", keyOf(item.message)), more: () => this.older() });
    signal.addEventListener("abort", () => this.close());
    on("message", (message) => this.arrived(message), signal);
    on("state", (change) => this.changed(change), signal);
    on("online", (online) => online && this.began && this.newest(), signal);
  }

  close() {
    clearTimeout(this.flushing);
    clearTimeout(this.looking);
    this.rows.close();
  }

  concerns(message) {
    if (!this.peer) return true;
    return message.sender === this.peer || message.to.includes(this.peer);
  }

  // The page before what is known. Who asks while it comes gets the same one.
  older() {
    this.coming ??= this.fetchOlder().finally(() => { this.coming = null; });
    return this.coming;
  }

  async fetchOlder() {
    const first = this.items[0];
    const limit = this.began ? 2 * PAGE : PAGE;
    const found = await look("traced", { peer: this.peer, before: first ? keyOf(first.message) : undefined, limit, body_chars: CLIP });
    this.began = true;
    const fresh = found.filter((one) => !this.known.has(keyOf(one.message)));
    for (const one of fresh) this.known.set(keyOf(one.message), one);
    this.items = [...fresh, ...this.items];
    this.whole = found.length < limit;
    this.show();
    this.told?.();
    return !this.whole;
  }

  // What came lately, with its deliveries: after new messages, and after the connection was gone.
  async newest() {
    const found = await look("traced", { peer: this.peer, limit: NEWEST, body_chars: CLIP }).catch(() => []);
    let added = 0;
    for (const one of found) {
      const known = this.known.get(keyOf(one.message));
      if (known) {
        known.deliveries = one.deliveries;
        this.rows.changed(known);
      } else {
        this.put(one);
        added += this.lets(one) ? 1 : 0;
      }
    }
    if (added) this.rows.added(added);
    this.told?.();
  }

  put(one) {
    this.known.set(keyOf(one.message), one);
    this.items.push(one);
    if (this.rows.items !== this.items && this.lets(one)) this.rows.items.push(one);
  }

  // What arrives within one frame is taken in together: in a storm those are hundreds.
  arrived(message) {
    if (!this.began || !this.concerns(message) || this.known.has(keyOf(message))) return;
    const one = { message: { ...message, body: message.body.slice(0, CLIP) }, deliveries: [], left_out: 0 };
    this.put(one);
    this.fresh += this.lets(one) ? 1 : 0;
    this.flushing ??= setTimeout(() => this.flush(), FRAME_MS);
  }

  flush() {
    this.flushing = null;
    this.rows.added(this.fresh);
    this.fresh = 0;
    this.trim();
    this.told?.();
    this.looking ??= setTimeout(() => {
      this.looking = null;
      this.newest();
    }, SETTLE_MS);
  }

  // Whoever watches for days must not run out of memory: the oldest go, and are fetched again when they are scrolled to.
  trim() {
    if (this.items.length <= MOST) return;
    for (const one of this.items.splice(0, this.items.length - MOST + MOST / 4)) this.known.delete(keyOf(one.message));
    this.whole = false;
    this.rows.more ??= () => this.older();
    this.show();
  }

  changed(change) {
    const one = this.known.get(keyOf(change));
    if (!one) return;
    one.deliveries = moved(one.deliveries, change);
    this.rows.changed(one);
  }

  filter(lets) {
    this.lets = lets ?? (() => true);
    this.filtered = lets !== null;
    this.show();
    this.rows.top();
  }

  show() {
    this.rows.set(this.filtered ? this.items.filter(this.lets) : this.items);
  }
}

function feedRow({ message, deliveries }) {
  const control = message.kind !== "message" && message.kind !== "data";
  return h("div", { class: `row ${control ? "control" : ""}` },
    h("span", { class: "at num" }, time(message.sent_ms, clock)),
    h("span", { class: "from" }, whoText(message.sender)),
    h("span", { class: "arrow", "aria-label": "to" }, "→"),
    h("span", { class: "to" }, several(message.to, whoText, 2)),
    h("span", { class: "what" }, kindOf(message.kind), urgencyOf(message), message.subject && message.kind !== "notice" ? h("b", {}, saidLine(message.subject, 120)) : null, h("span", { class: "text" }, saidLine(message.body))),
    stateOf(fate(deliveries)));
}

export function feedView({ query, signal }) {
  const feed = new Feed({ label: "Messages, newest first", signal });
  const count = h("span", { class: "dim num", role: "status" });
  const wanted = { agent: query.agent ?? "", kind: query.kind ?? "", state: query.state ?? "", text: query.text ?? "" };
  const text = h("input", { type: "search", placeholder: "Filter words", "aria-label": "Filter by words", value: wanted.text, "data-key": "filter" });
  const agents = h("span", {});
  let timer = 0;

  const tell = () => {
    const all = number(feed.items.length);
    count.textContent = feed.filtered ? `${number(feed.rows.count)} of ${all}` : feed.whole ? `${all} messages` : `the newest ${all}`;
  };
  feed.told = tell;
  const apply = () => {
    feed.filter(sieve(wanted));
    history.replaceState(null, "", `#/live${query_of(wanted)}`);
    tell();
  };
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { wanted.text = text.value; apply(); }, 120);
  });

  on("agents", (listed) => {
    if (agents.contains(document.activeElement)) return;
    const names = listed.filter((agent) => agent.kind !== "system").map((agent) => [agent.name, agent.name]);
    agents.replaceChildren(chooser("Agent", [["", "all agents"], ...names], wanted.agent, (value) => { wanted.agent = value; apply(); }));
  }, signal);

  feed.older().then(() => (Object.values(wanted).some(Boolean) ? apply() : tell()), () => {});
  return {
    title: "Live",
    element: h("div", { class: "view feed" },
      h("header", { class: "head" }, h("h1", {}, "Live"), count,
        h("div", { class: "filters" }, text, agents,
          chooser("Kind", [["", "all kinds"], ...KIND_NAMES.map((kind) => [kind, kind])], wanted.kind, (value) => { wanted.kind = value; apply(); }),
          chooser("State", [["", "all states"], ...STATES.map((state) => [state, state])], wanted.state, (value) => { wanted.state = value; apply(); }))),
      feed.rows.element),
    keys: { ...feed.rows.keys(), ...filterKeys(feed, wanted, apply) },
    find: () => text.focus(),
    focus: () => feed.rows.scroller.focus({ preventScroll: true }),
    feed,
  };
}

function filterKeys(feed, wanted, apply) {
  return {
    a: {
      act: () => {
        const item = feed.rows.item(feed.rows.at);
        if (!item && !wanted.agent) return;
        wanted.agent = wanted.agent ? "" : item.message.sender;
        const select = document.querySelector(".filters select");
        if (select) select.value = wanted.agent;
        apply();
      },
      about: "only this sender, or all again",
    },
  };
}

function query_of(wanted) {
  const words = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value)).toString();
  return words ? `?${words}` : "";
}

function sieve({ agent, kind, state, text }) {
  if (!agent && !kind && !state && !text) return null;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return ({ message, deliveries }) =>
    (!agent || message.sender === agent || message.to.includes(agent) || deliveries.some((one) => one.recipient === agent)) &&
    (!kind || message.kind === kind) &&
    (!state || deliveries.some((one) => one.state === state)) &&
    words.every((word) => `${message.sender} ${message.to.join(" ")} ${message.subject} ${message.body}`.toLowerCase().includes(word));
}
