// A message as a conversation shows it: who said what to whom, and what became of it for each of them.

import { bytes } from "./api.js";
import { trying } from "./dialog.js";
import { button, download, h } from "./dom.js";
import { icon } from "./icons.js";
import { fate, keyOf } from "./model.js";
import { deliveryOf, hue, kindOf, several, stateOf, urgencyOf, who } from "./parts.js";
import { body, plain, said, size, time, took } from "./text.js";

const STEPS = [["delivered_ms", "in the mailbox"], ["handed_ms", "handed over"], ["read_ms", "read"], ["answered_ms", "answered"], ["ended_ms", "ended"]];
const FEW = 6;

export function messageCard(traced, { whole, chosen = false, inRoom = false } = {}) {
  const { message, deliveries, left_out: leftOut = 0 } = traced;
  const control = !["message", "data", "syn", "notice"].includes(message.kind);
  const card = h(
    "article",
    { class: `message ${control ? "control" : ""} ${chosen ? "chosen" : ""} from-${message.sender === "human" ? "human" : "agent"}`, "data-row": true, "data-message": keyOf(message), "data-key": keyOf(message), tabindex: -1, vars: { hue: hue(message.sender) }, "aria-label": `${message.kind === "message" ? "message" : message.kind} ${message.id} from ${message.sender}` },
    h(
      "header",
      {},
      who(message.sender),
      inRoom ? null : [h("span", { class: "arrow", "aria-label": "to" }, "→"), h("span", { class: "to" }, several(message.to, who))],
      kindOf(message.kind),
      urgencyOf(message),
      message.reply_by_ms ? h("span", { class: "kind k-ask", title: "an answer is expected" }, "asks") : null,
      h("span", { class: "meta" }, time(message.sent_ms), h("span", { class: "id num", title: "its id" }, said(message.id))),
    ),
    message.subject && message.kind !== "notice" ? h("h3", { dir: "auto" }, said(message.subject)) : null,
    message.body ? h("div", { class: "body" }, body(message.body)) : null,
    leftOut ? button(`Show ${size(leftOut)} more`, whole, { class: "link" }) : null,
    message.attachments.length ? h("ul", { class: "files" }, message.attachments.map(attachment)) : null,
    h("footer", {}, fates(message, deliveries)),
  );
  return card;
}

function fates(message, deliveries) {
  if (!deliveries.length) return null;
  const all = fate(deliveries);
  const alike = deliveries.length > 2 && deliveries.every((one) => one.state === "read" || one.state === "answered");
  const details = h(
    "details",
    {},
    h("summary", {}, deliveries.length <= FEW && !alike ? deliveries.map((one) => deliveryOf(one, message.sent_ms)) : [stateOf(all), h("span", { class: "dim" }, alike ? `by all ${all.all}` : `of ${all.all}`)]),
  );
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(steps(message, deliveries));
  });
  return details;
}

function steps(message, deliveries) {
  return h(
    "div",
    { class: "table-frame", tabindex: 0, role: "group", "aria-label": "What became of it" },
    h("table", { class: "steps" },
      h("thead", {}, h("tr", {}, ["to", "state", ...STEPS.map(([, words]) => words), "handed over", "why"].map((words) => h("th", { scope: "col" }, words)))),
      h("tbody", {}, deliveries.map((one) =>
        h("tr", {},
          h("th", { scope: "row" }, who(one.recipient)),
          h("td", {}, stateOf({ state: one.state, read: 0, all: 1 })),
          STEPS.map(([name]) => h("td", { class: "num" }, one[name] ? h("span", { title: new Date(one[name]).toISOString() }, `+${took(Math.max(one[name] - message.sent_ms, 0))}`) : "")),
          h("td", { class: "num" }, one.handovers ? `${one.handovers}×` : ""),
          h("td", {}, one.reason ? said(one.reason) : ""))))),
  );
}

function attachment(file) {
  const get = async () => {
    const response = await trying(bytes(`/api/files/${file.sha256}`));
    if (response) download(plain(file.name), await response.blob());
  };
  return h("li", {}, button([icon("file"), said(file.name), h("span", { class: "dim num" }, size(file.bytes))], get, { class: "file" }));
}
