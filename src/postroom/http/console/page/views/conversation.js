// One conversation: its messages with what became of each, or its sequence diagram; and a word of one's own in it.

import { look } from "../api.js";
import { composer, sent } from "../compose.js";
import { diagram } from "../diagram.js";
import { asked, note, trying } from "../dialog.js";
import { button, fill, h } from "../dom.js";
import { messageCard } from "../message.js";
import { doing, keyOf, moved, on } from "../model.js";
import { empty, several, to, who } from "../parts.js";
import { listKeys } from "../rows.js";
import { counted, line, said, saidLine } from "../text.js";

const CLIP = 20_000;
const PAGE = 1000; // a thread is shown up to this one: the limit `page`
const LIVE = new Set(["offered", "open", "closing-by-opener", "closing-by-peer"]);

export function conversationView({ parts: [id], query, signal }) {
  const list = h("div", { class: "messages" });
  const title = h("h1", { dir: "auto" }, "Conversation");
  const about = h("p", { class: "about" });
  const foot = h("div", { class: "foot" });
  const acts = h("span", { class: "acts" });
  const state = { traces: [], session: null, drawn: query.as === "diagram" };
  const picture = diagram({ name: () => `conversation-${state.traces[0]?.message.id ?? id}`, open: (row) => toggled(false, keyOf(row.message)), signal });
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Shown as" });
  const panel = h("div", { class: "panel", role: "tabpanel" });
  let timer = 0;

  const tab = (words, drawn) => button(words, () => toggled(drawn), { role: "tab", "aria-selected": String(state.drawn === drawn), tabindex: state.drawn === drawn ? 0 : -1, "data-key": `tab-${drawn}` });
  const arrows = (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    event.stopPropagation();
    toggled(!state.drawn);
    tabs.querySelector('[aria-selected="true"]').focus();
  };
  tabs.addEventListener("keydown", arrows);

  function toggled(drawn, at) {
    state.drawn = drawn;
    history.replaceState(null, "", `${to("thread", id)}${drawn ? "?as=diagram" : ""}`);
    frame();
    if (at) list.querySelector(`[data-message="${CSS.escape(at)}"]`)?.focus();
  }

  function frame() {
    fill(tabs, tab("Messages", false), tab("Sequence diagram", true));
    fill(panel, state.drawn ? picture.element : list);
    view.element.classList.toggle("drawn", state.drawn);
    if (state.drawn) picture.set(state.traces);
  }

  function show() {
    const first = state.traces[0]?.message;
    if (!first) return fill(list, empty("Nothing here", "No message has this id, or it is pruned."));
    const session = first.kind === "syn";
    view.title = line(first.subject || first.body).slice(0, 80) || "Conversation";
    fill(title, session ? h("span", { class: "kind k-syn" }, "session") : null, saidLine(first.subject || first.body, 120));
    const people = [...new Set(state.traces.flatMap(({ message }) => [message.sender, ...message.to]))].filter((name) => name !== "postroom");
    fill(about, several(people, who, 8), h("span", { class: "dim" }, ` · ${state.traces.length >= PAGE ? "the first " : ""}${counted(state.traces.length, "message")}`), state.session ? [" ", h("span", { class: `kind k-${state.session.state}` }, state.session.state)] : null);
    const at = document.activeElement?.dataset?.key;
    fill(list, state.traces.map((traced) => messageCard(traced, { whole: () => whole(traced), chosen: keyOf(traced.message) === id && state.traces[0] !== traced })));
    if (at) list.querySelector(`[data-key="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
    if (state.drawn) picture.set(state.traces);
    footer(first, session);
  }

  function footer(first, session) {
    const mine = state.session && (state.session.opener === "human" || state.session.peer === "human");
    const live = state.session && LIVE.has(state.session.state);
    fill(acts, live ? button(mine ? "Close session" : "End session", () => endAsked(first, mine, load), { "data-key": "end" }) : null);
    const kept = foot.querySelector("textarea")?.value;
    const open = session ? mine && state.session.state === "open" : true;
    const words = session && !open ? (mine ? `The session is ${state.session?.state}.` : "Only its two sides speak in a session. To step in, write to one of them.") : null;
    const target = session ? null : answerTo(state.traces);
    const key = `${open}:${target?.words ?? ""}:${words}`;
    if (foot.dataset.for === key) return;
    foot.dataset.for = key;
    fill(foot, open && (session || target) ? composer({ label: session ? "Say in the session" : target.words, placeholder: session ? "Say in the session …" : `${target.words} …`, urgency: !session, say: (body, more) => (session ? doing("session-send", { session: keyOf(first), body }) : sent({ ...target.values, body, ...more })) }) : h("p", { class: "dim" }, words));
    const input = foot.querySelector("textarea");
    if (input && kept) input.value = kept;
  }

  async function whole(traced) {
    const all = await trying(look("conversation", { id: keyOf(traced.message) }));
    const found = all?.find((one) => keyOf(one.message) === keyOf(traced.message));
    if (found) {
      state.traces[state.traces.indexOf(traced)] = found;
      show();
    }
  }

  async function load() {
    const found = await trying(look("conversation", { id, body_chars: CLIP }, signal));
    if (!found) return;
    const kept = new Map(state.traces.filter((one) => one.left_out === 0).map((one) => [keyOf(one.message), one.message]));
    state.traces = found.map((one) => (one.left_out && kept.has(keyOf(one.message)) ? { ...one, message: kept.get(keyOf(one.message)), left_out: 0 } : one));
    if (found[0]?.message.kind === "syn") {
      const sessions = await look("sessions", {}, signal).catch(() => []);
      state.session = sessions.find((one) => one.id === found[0].message.id && one.opener === found[0].message.sender) ?? null;
    }
    show();
  }

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => load().catch(() => {}), 150);
  };
  on("message", (message) => {
    const first = state.traces[0]?.message;
    if (first && (message.thread === first.thread || message.thread === first.id)) later();
  }, signal);
  on("state", (change) => {
    const place = state.traces.findIndex((one) => keyOf(one.message) === keyOf(change));
    if (place < 0) return;
    state.traces[place] = { ...state.traces[place], deliveries: moved(state.traces[place].deliveries, change) };
    later();
  }, signal);

  const view = {
    title: "Conversation",
    element: h("div", { class: "view conversation" }, h("header", { class: "head" }, h("div", { class: "titles" }, title, about), acts, tabs), panel, foot),
    up: ["live"],
    keys: {},
  };
  const cards = listKeys(() => list, ".message");
  const both = (name) => ({ act: (event) => (state.drawn ? picture.keys[name] : cards[name]).act(event), about: cards[name].about });
  view.keys = {
    s: { act: () => toggled(!state.drawn), about: "messages, or sequence diagram" },
    ...Object.fromEntries(["+", "=", "-", "0"].map((name) => [name, { ...picture.keys[name], act: () => (state.drawn ? picture.keys[name].act() : false) }])),
    ...Object.fromEntries(["j", "k", "ArrowDown", "ArrowUp"].map((name) => [name, both(name)])),
    r: { act: () => foot.querySelector("textarea")?.focus(), about: "write in it" },
  };
  frame();
  load().catch(() => {});
  return view;
}

// To whom a word of the human goes: an answer to the last one who spoke, or to the room in which it was said.
function answerTo(traces) {
  const last = traces.findLast(({ message }) => message.sender !== "human" && message.sender !== "postroom");
  if (!last) {
    const own = traces.findLast(({ message }) => message.sender === "human");
    return own ? { words: "Write on", values: { to: own.message.to, thread: keyOf(own.message) } } : null;
  }
  const room = last.message.to.find((name) => name.startsWith("#"));
  return { words: room ? `Answer in ${room}` : `Answer ${last.message.sender}`, values: { to: room ?? last.message.sender, reply_to: keyOf(last.message) } };
}

export function endAsked(first, mine, then) {
  const done = () => { note(mine ? "Closed." : "Ended: both sides are told."); return then?.(); };
  if (mine) return trying(doing("end-session", { id: keyOf(first) }, ["sessions"]).then(done));
  return asked({
    title: "End this session",
    about: ["It ends at once, for both sides: ", said(line(first.body).slice(0, 200))],
    fields: [{ name: "reason", label: "Why", hint: "for both sides" }],
    verb: "End it",
    danger: true,
    act: ({ reason }) => doing("end-session", { id: keyOf(first), reason }, ["sessions"]).then(done),
  });
}
