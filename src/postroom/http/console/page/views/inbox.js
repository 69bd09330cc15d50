// What agents ask of the person here: accept, edit, respond, deny. Below it what they only tell.

import { asked, note, trying } from "../dialog.js";
import { button, h, refill } from "../dom.js";
import { doing, keyOf, on } from "../model.js";
import { empty, go, kindOf, to, urgencyOf, who } from "../parts.js";
import { listKeys } from "../rows.js";
import { ago, body, counted, line, said, span, time } from "../text.js";

const TOPICS = ["requests", "overview", "sessions"];
const CHARS = 3000;

export function inboxView({ signal }) {
  const list = h("div", { class: "inbox-list" });
  const head = h("span", { class: "dim", role: "status" });
  const aside = h("span", { class: "acts" });
  let requests = [];

  on("requests", (found) => {
    requests = found;
    const asking = requests.filter(asks);
    const rooms = requests.filter((one) => !asks(one) && one.message.to[0]?.startsWith("#"));
    const notices = requests.filter((one) => !asks(one) && one.message.kind === "notice");
    const told = requests.filter((one) => !asks(one) && !rooms.includes(one) && !notices.includes(one));
    head.textContent = asking.length ? counted(asking.length, "request") : "nobody waits for you";
    const rest = [...told, ...notices, ...rooms];
    refill(aside, rest.length ? button(`Mark ${rest.length} as read`, () => putAside(rest), { "data-key": "all" }) : null);
    refill(list,
      section("Waiting for an answer", asking),
      section("Messages", told),
      section("Notices", notices),
      section("Rooms", rooms),
      requests.length ? null : empty("All quiet", "When an agent asks you something (postroom ask human …), it waits here for your answer."));
  }, signal);

  const chosen = () => {
    const id = document.activeElement?.closest("[data-request]")?.dataset.request;
    return requests.find((one) => keyOf(one.message) === id);
  };
  const key = (act, about) => ({ act: () => { const one = chosen(); if (one) act(one); }, about });
  return {
    title: "Inbox",
    element: h("div", { class: "view inbox" }, h("header", { class: "head" }, h("h1", {}, "Inbox"), head, aside), list),
    keys: {
      ...listKeys(() => list, ".request"),
      a: key((one) => asks(one) && accept(one), "accept"),
      e: key((one) => asks(one) && one.message.kind !== "syn" && edit(one), "edit: accept with changes"),
      r: key((one) => one.message.kind !== "notice" && respond(one), "respond"),
      d: key((one) => asks(one) && deny(one), "deny"),
      x: key((one) => putAside([one]), "mark as read"),
      Enter: { act: (event) => { if (event.target.closest("button, a, summary")) return false; const one = chosen(); if (one) go("thread", keyOf(one.message)); }, about: "open the conversation" },
    },
    focus: () => (list.querySelector(".request") ?? document.getElementById("main")).focus({ preventScroll: true }),
  };
}

const asks = (one) => one.awaited || one.message.kind === "syn";

function section(title, requests) {
  return requests.length ? h("section", { "aria-label": title }, h("h2", {}, title, h("span", { class: "dim num" }, ` ${requests.length}`)), requests.map(card)) : null;
}

function card(one) {
  const { message } = one;
  const id = keyOf(message);
  const offer = message.kind === "syn";
  const late = message.reply_by_ms ? message.reply_by_ms - Date.now() : null;
  return h("article", { class: `request ${asks(one) ? "asks" : ""}`, tabindex: 0, "data-request": id, "data-key": `request-${id}`, "aria-label": `from ${message.sender}: ${line(message.subject || message.body).slice(0, 120)}` },
    h("header", {}, who(message.sender), message.to.length > 1 || message.to[0] !== "human" ? h("span", { class: "dim" }, " to ", said(message.to.join(", "))) : null, offer ? h("span", { class: "kind k-syn" }, "offers a session") : message.kind === "message" ? null : kindOf(message.kind), urgencyOf(message),
      h("span", { class: "meta" }, late !== null ? h("span", { class: late < 60_000 ? "due soon" : "due" }, late > 0 ? `${span(late)} left` : "overdue") : null, time(message.sent_ms, ago), h("a", { href: to("thread", id), class: "link" }, "conversation"))),
    message.subject && message.kind !== "notice" ? h("h3", { dir: "auto" }, said(message.subject)) : null,
    h("div", { class: "body" }, body(message.body.slice(0, CHARS)), message.body.length > CHARS ? h("p", { class: "dim" }, "… the rest is in the conversation") : null),
    h("footer", {},
      asks(one) ? [
        button("Accept", () => accept(one), { class: "primary", "data-key": `accept-${id}` }),
        offer ? null : button("Edit", () => edit(one), { "data-key": `edit-${id}` }),
        offer ? null : button("Respond", () => respond(one), { "data-key": `respond-${id}` }),
        button("Deny", () => deny(one), { class: "danger quiet", "data-key": `deny-${id}` }),
      ] : message.kind === "notice" ? null : button("Respond", () => respond(one), { "data-key": `respond-${id}` }),
      h("span", { class: "spring" }),
      one.state === "read" ? null : button("Mark as read", () => putAside([one]), { class: "plain", "data-key": `read-${id}` })));
}

const decide = (one, decision, text = "") => doing("decide", { id: keyOf(one.message), decision, text }, TOPICS);

function accept(one) {
  return trying(decide(one, "accept"), `Accepted: ${one.message.sender} is told.`);
}

function told(one, decision, words) {
  return async ({ text }) => { await decide(one, decision, text); note(`${words}: ${one.message.sender} is told.`); };
}

function edit(one) {
  return asked({ title: `Accept with changes`, about: "What is to be done instead of what was asked. The answer's subject says “edited”.", fields: [{ name: "text", label: "Instead", value: one.message.body.slice(0, CHARS), lines: 8 }], verb: "Send", act: told(one, "edit", "Edited") });
}

function respond(one) {
  return asked({ title: `Respond to ${one.message.sender}`, about: said(line(one.message.subject || one.message.body).slice(0, 240)), fields: [{ name: "text", label: "Answer", lines: 6 }], verb: "Send", act: told(one, "respond", "Answered") });
}

function deny(one) {
  return asked({ title: one.message.kind === "syn" ? "Decline the session" : "Deny", about: said(line(one.message.subject || one.message.body).slice(0, 240)), fields: [{ name: "text", label: "Why", lines: 3, hint: "the agent wants to know why" }], verb: "Deny", danger: true, act: told(one, "deny", "Denied") });
}

function putAside(several) {
  return trying(doing("dismiss", { ids: several.map((one) => keyOf(one.message)) }, TOPICS));
}
