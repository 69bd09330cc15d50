// One agent: what it says about itself, how it is, and everything that it took part in.

import { composer, pausing, sent } from "../compose.js";
import { fill, h, refill } from "../dom.js";
import { on } from "../model.js";
import { dot } from "../parts.js";
import { ago, number, said, time } from "../text.js";
import { Feed } from "./feed.js";

export function agentView({ parts: [name], signal }) {
  const feed = new Feed({ peer: name, label: `Messages of ${name}, newest first`, signal });
  const head = h("header", { class: "head" }, h("h1", {}, said(name)));
  const facts = h("dl", { class: "facts" });
  on("agents", (agents) => {
    const agent = agents.find((one) => one.name === name);
    if (!agent) return;
    refill(head, h("div", { class: "titles" }, h("h1", {}, dot(agent), said(name)), agent.description ? h("p", { class: "about", dir: "auto" }, said(agent.description)) : null), agent.kind === "agent" ? h("span", { class: "acts" }, pausing(agent)) : null);
    fill(facts, factsOf(agent).filter(([, value]) => value).map(([words, value]) => h("div", {}, h("dt", {}, words), h("dd", {}, value))));
  }, signal);
  feed.older().catch(() => {});
  const speaks = name !== "human" && name !== "postroom";
  const foot = speaks ? h("div", { class: "foot" }, composer({ label: `Write to ${name}`, placeholder: `Write to ${name} as human …`, say: (body, more) => sent({ to: name, body, ...more }) })) : null;
  return {
    title: name,
    element: h("div", { class: "view agent feed" }, head, facts, feed.rows.element, foot),
    keys: { ...feed.rows.keys(), w: { act: () => foot?.querySelector("textarea").focus(), about: "write to it" } },
    up: ["overview"],
    to: name,
    focus: () => feed.rows.scroller.focus({ preventScroll: true }),
  };
}

function factsOf(agent) {
  return [
    ["status", agent.paused === null ? agent.status : `paused: ${agent.paused}`],
    ["waiting", agent.waiting ? number(agent.waiting) : ""],
    ["last seen", agent.online ? (agent.processes === 1 ? "here" : `here, ${number(agent.processes)} processes`) : agent.seen_ms ? time(agent.seen_ms, ago) : "never"],
    ["lives in", shown(agent.harness)],
    ["works in", shown(agent.directory)],
    ["tags", agent.tags.join(", ")],
    ["can", shown(agent.capabilities.join(", "))],
    ["visibility", agent.visibility === "visible" ? "" : agent.visibility],
    ["accepts sessions", agent.auto_accept ? "by itself" : ""],
  ];
}

const shown = (text) => (text ? said(text) : "");
