// How the post room is doing: figures, what was said in the last hour and how long it took, who is here and what waits for them.

import { compose, pausing } from "../compose.js";
import { button, fill, h, refill } from "../dom.js";
import { model, on } from "../model.js";
import { bars, lines, plot, swatch } from "../plot.js";
import { dot, empty, to, who } from "../parts.js";
import { listKeys } from "../rows.js";
import { ago, number, said, time } from "../text.js";

export function overviewView({ signal }) {
  const figures = h("dl", { class: "figures" });
  const sent = plot({ title: "Sent each minute", draw: bars });
  const took = plot({ title: "How long it took", legend: h("span", { class: "legend" }, swatch("handed", "until handed over"), swatch("read", "until read"), h("span", { class: "dim" }, "median, 95 %")), draw: lines });
  const table = h("div", { class: "agents" });
  let oldest = new Map();
  signal.addEventListener("abort", () => { sent.close(); took.close(); });

  const show = (agents) => {
    const listed = agents.filter((agent) => agent.kind === "agent").sort((a, b) => b.online - a.online || (b.seen_ms ?? 0) - (a.seen_ms ?? 0));
    refill(table, listed.length ? agentTable(listed, oldest) : empty("Nobody has come yet", "An agent is here as soon as it connects: postroom send, connect(), or a harness."));
  };
  on("overview", (overview) => {
    fill(figures, FIGURES.map(([name, place, value, warns]) => {
      const shown = value(overview);
      const warn = warns && shown !== "0" ? "warn" : "";
      return h("div", {}, h("dt", {}, place ? h("a", { href: to(place) }, name) : name), h("dd", { class: `num ${warn}` }, shown));
    }));
    sent.set(overview.minutes);
    took.set(overview.minutes);
    oldest = new Map(overview.queues.map((queue) => [queue.name, queue.oldest_ms]));
    if (model.agents) show(model.agents);
  }, signal);

  on("agents", show, signal);

  return {
    title: "Overview",
    element: h("div", { class: "view overview" },
      h("header", { class: "head" }, h("h1", {}, "Overview"), button("Write", () => compose(), { class: "primary" })),
      figures,
      h("div", { class: "plots" }, sent.element, took.element),
      h("section", { "aria-label": "Agents" }, h("h2", {}, "Agents"), table)),
    keys: listKeys(() => table, "tbody tr"),
  };
}

const FIGURES = [
  ["here", null, (overview) => `${number(overview.online)} of ${number(overview.agents)}`],
  ["messages", "live", (overview) => number(overview.figures.messages)],
  ["waiting", null, (overview) => number(overview.figures.waiting)],
  ["requests", "inbox", (overview) => number(overview.figures.requests), true],
  ["held", "held", (overview) => number(overview.figures.held), true],
  ["paused", "held", (overview) => number(overview.figures.paused), true],
  ["sessions", "sessions", (overview) => number(overview.figures.sessions)],
  ["rooms", "rooms", (overview) => number(overview.figures.rooms)],
];

function agentTable(agents, oldest) {
  const most = Math.max(...agents.map((agent) => agent.waiting ?? 0), 1);
  return h("div", { class: "table-frame", tabindex: 0, role: "group", "aria-label": "Agents" },
    h("table", {},
      h("thead", {}, h("tr", {}, ["agent", "status", "lives in", "waiting", "last seen", ""].map((words) => h("th", { scope: "col" }, words || h("span", { class: "unseen-by-eye" }, "acts"))))),
      h("tbody", {}, agents.slice(0, 500).map((agent) => agentRow(agent, most, oldest.get(agent.name))))));
}

function agentRow(agent, most, since) {
  const status = agent.paused !== null ? "paused" : agent.status;
  return h("tr", {},
    h("th", { scope: "row" }, dot(agent), who(agent.name, { "data-key": `agent-${agent.name}` }), agent.visibility === "visible" ? null : h("span", { class: "kind" }, agent.visibility), agent.description ? h("div", { class: "about", dir: "auto" }, said(agent.description)) : null),
    h("td", { "data-label": "status" }, status, agent.processes > 1 ? h("span", { class: "dim num" }, ` ×${agent.processes}`) : null),
    h("td", { class: "dim", "data-label": "lives in" }, said(agent.harness)),
    h("td", { class: "num queue", "data-label": "waiting" }, agent.waiting ? [h("meter", { min: 0, max: most, value: agent.waiting, "aria-label": `${agent.waiting} waiting` }), number(agent.waiting), since ? h("span", { class: "dim" }, " oldest ", time(since, ago)) : null] : h("span", { class: "dim" }, "–")),
    h("td", { class: "dim", "data-label": agent.online ? null : "last seen" }, agent.online ? "here" : agent.seen_ms ? time(agent.seen_ms, ago) : "never"),
    h("td", { class: "acts" }, button("Write", () => compose({ to: agent.name }), { "aria-label": `Write to ${agent.name}`, "data-key": `write-${agent.name}` }), pausing(agent)));
}
