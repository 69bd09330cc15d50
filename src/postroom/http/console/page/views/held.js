// What waits for a person to look at it: threads that are held, agents that are paused. Release, or discard with a reason.

import { look } from "../api.js";
import { pauseAsked } from "../compose.js";
import { asked, note, trying } from "../dialog.js";
import { button, fill, h, refill } from "../dom.js";
import { doing, keyOf, model, on } from "../model.js";
import { empty, several, stateOf, to, who, whoText } from "../parts.js";
import { listKeys } from "../rows.js";
import { ago, counted, said, saidLine, time } from "../text.js";

const TOPICS = ["held", "agents", "overview", "requests"];
const SEEN = 8;
const WHY = [
  [/turn/i, "Two or more agents have spoken in turn so often that they may be in a loop."],
  [/hop|answer/i, "Each message led to the next one, for so long that nobody may be steering any more."],
];

export function heldView({ signal }) {
  const list = h("div", { class: "held-list" });
  const head = h("span", { class: "dim", role: "status" });

  on("held", (held) => {
    const paused = held.filter((one) => isPaused(one));
    const threads = held.filter((one) => !isPaused(one));
    head.textContent = held.length ? `${counted(threads.length, "thread")}, ${counted(paused.length, "paused agent")}` : "nothing is held";
    const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.dataset.id));
    refill(list,
      threads.length ? h("section", { "aria-label": "Threads" }, h("h2", {}, "Threads"), threads.map((one) => card(one, open.has(one.id)))) : null,
      paused.length ? h("section", { "aria-label": "Paused agents" }, h("h2", {}, "Paused agents"), paused.map((one) => card(one, open.has(one.id)))) : null,
      held.length ? null : empty("Nothing is held", "When agents talk in a circle, or faster than they may, what they say waits here. So does what a paused agent sends."));
  }, signal);

  return {
    title: "Held",
    element: h("div", { class: "view held" }, h("header", { class: "head" }, h("h1", {}, "Held"), head, h("span", { class: "acts" }, button("Pause an agent", choosePaused))), list),
    keys: { ...listKeys(() => list, ".hold"), p: { act: choosePaused, about: "pause an agent" } },
  };
}

const isPaused = (one) => one.reason.startsWith("paused: ");

function card(one, open) {
  const paused = isPaused(one);
  const reason = paused ? one.reason.slice("paused: ".length) : one.reason;
  const why = paused ? null : WHY.find(([words]) => words.test(reason))?.[1];
  const last = h("ul", { class: "last" });
  const details = h("details", { "data-id": one.id, open }, h("summary", { "data-key": `look-${one.id}` }, one.messages ? "What is held" : "What was said"), last);
  const load = () => trying(heldOf(one, paused)).then((found) => found && fill(last, found.length ? found.map(lineOf) : h("li", { class: "dim" }, "nothing yet")));
  details.addEventListener("toggle", () => details.open && load());
  if (open) load();
  return h("article", { class: "hold", tabindex: 0, "data-key": `hold-${one.id}`, "aria-label": paused ? `${one.id} is paused` : `thread ${one.id} is held` },
    h("header", {}, paused ? who(one.id) : [h("a", { href: to("thread", one.id), class: "strong" }, "Thread ", said(one.id)), h("span", { class: "dim" }, " of "), several(one.senders, who)],
      h("span", { class: "meta" }, one.messages ? counted(one.messages, "message") : "nothing yet", one.since_ms ? [" since ", time(one.since_ms, ago)] : null)),
    h("p", { class: "reason", dir: "auto" }, said(reason)),
    why ? h("p", { class: "dim" }, why) : null,
    details,
    h("footer", {},
      button("Release", () => trying(doing("release", { id: one.id }, TOPICS), ({ released }) => `${counted(released, "message")} delivered; it goes on.`), { class: "primary", "data-key": `release-${one.id}`, "aria-label": `Release ${one.id}` }),
      one.messages ? button("Discard", () => discardAsked(one), { class: "danger quiet", "data-key": `discard-${one.id}`, "aria-label": `Discard what ${one.id} holds` }) : null,
      paused ? null : one.senders.filter((name) => name !== "human").slice(0, 3).map((name) => button(["Pause ", whoText(name)], () => pauseAsked(name), { class: "plain", "data-key": `pause-${one.id}-${name}` }))));
}

async function heldOf(one, paused) {
  const found = paused ? await look("traced", { peer: one.id, limit: 200, body_chars: 300 }) : await look("conversation", { id: one.id, body_chars: 300 });
  const held = found.filter(({ deliveries }) => deliveries.some((delivery) => delivery.state === "held"));
  return (held.length ? held : paused ? [] : found).slice(-SEEN);
}

function lineOf({ message, deliveries }) {
  return h("li", {}, whoText(message.sender), " → ", several(message.to), " ", h("span", { class: "text" }, saidLine(message.body, 200)), stateOf({ state: deliveries[0]?.state ?? "accepted", read: 0, all: 1 }), h("a", { class: "link", href: to("thread", keyOf(message)) }, "open"));
}

function discardAsked(one) {
  return asked({
    title: "Discard what is held",
    about: `${counted(one.messages, "message")} will never be delivered. Those who sent them are told why.`,
    fields: [{ name: "reason", label: "Why" }],
    verb: "Discard",
    danger: true,
    act: async ({ reason }) => {
      const { discarded } = await doing("discard", { id: one.id, reason }, TOPICS);
      note(`${counted(discarded, "message")} discarded.`);
    },
  });
}

function choosePaused() {
  const free = (model.agents ?? []).filter((agent) => agent.kind === "agent" && agent.paused === null).map((agent) => [agent.name, agent.name]);
  if (!free.length) return note("There is no agent to pause.");
  return asked({
    title: "Pause an agent",
    about: "Everything that it sends from now on is held until you release it. It is told once, with your reason.",
    fields: [{ name: "name", label: "Agent", options: free }, { name: "reason", label: "Why", hint: "for the agent" }],
    verb: "Pause",
    danger: true,
    act: async ({ name, reason }) => { await doing("pause", { name, reason }, TOPICS); note(`${name} is paused.`); },
  });
}
