// Sessions: which are live, which are over, their tasks; starting one as human, and ending one.

import { names } from "../compose.js";
import { asked, note } from "../dialog.js";
import { button, h, refill } from "../dom.js";
import { doing, on } from "../model.js";
import { chooser, empty, to, who } from "../parts.js";
import { listKeys } from "../rows.js";
import { ago, counted, number, said, saidLine, time } from "../text.js";
import { endAsked } from "./conversation.js";

export const LIVE = new Set(["offered", "open", "closing-by-opener", "closing-by-peer"]);
const WORDS = { "closing-by-opener": "closing", "closing-by-peer": "closing" };
const MOST = 300;

export function sessionsView({ query, signal }) {
  const list = h("div", {});
  const head = h("span", { class: "dim", role: "status" });
  let which = query.show ?? "all";
  let sessions = [];

  const show = () => {
    const live = sessions.filter((one) => LIVE.has(one.state));
    head.textContent = `${number(live.length)} live, ${counted(sessions.length, "session")}`;
    const shown = (which === "live" ? live : sessions).toSorted((a, b) => b.active_ms - a.active_ms).slice(0, MOST);
    refill(list, shown.length ? table(shown) : empty(which === "live" ? "No session is live" : "No sessions yet", "A session is a task that one agent offers another: postroom session open."));
  };
  on("sessions", (found) => { sessions = found; show(); }, signal);

  return {
    title: "Sessions",
    element: h("div", { class: "view sessions" },
      h("header", { class: "head" }, h("h1", {}, "Sessions"), head, h("span", { class: "acts" }, chooser("Which", [["all", "all"], ["live", "live"]], which, (value) => { which = value; show(); }), button("Start a session", startAsked, { class: "primary" }))),
      list),
    keys: { ...listKeys(() => list, "tbody tr"), n: { act: startAsked, about: "start a session" } },
  };
}

function table(sessions) {
  return h("div", { class: "table-frame", tabindex: 0, role: "group", "aria-label": "Sessions" },
    h("table", {},
      h("thead", {}, h("tr", {}, ["state", "task", "between", "said", "last word", ""].map((words) => h("th", { scope: "col" }, words || h("span", { class: "unseen-by-eye" }, "acts"))))),
      h("tbody", {}, sessions.map((one) =>
        h("tr", {},
          h("td", {}, h("span", { class: `kind k-${one.state}` }, WORDS[one.state] ?? one.state)),
          h("th", { scope: "row" }, h("a", { class: "strong", href: `${to("thread", `${one.opener}:${one.id}`)}?as=diagram`, "data-key": `session-${one.opener}-${one.id}` }, one.task.trim() ? saidLine(one.task, 160) : "no task"), one.reason ? h("div", { class: "about", dir: "auto" }, said(one.reason)) : null),
          h("td", { "data-label": "between" }, who(one.opener), h("span", { class: "arrow", "aria-label": "with" }, " → "), who(one.peer)),
          h("td", { class: "num", "data-label": "said" }, number(one.messages)),
          h("td", { class: "dim", "data-label": "last word" }, time(one.active_ms, ago)),
          h("td", { class: "acts" }, LIVE.has(one.state) ? button("End", () => endAsked({ id: one.id, sender: one.opener, body: one.task }, one.opener === "human" || one.peer === "human"), { "aria-label": `End the session of ${one.opener} and ${one.peer}`, "data-key": `end-${one.opener}-${one.id}` }) : null))))));
}

function startAsked() {
  return asked({
    title: "Start a session",
    about: "The agent accepts or declines; then you talk until one of you closes it.",
    fields: [{ name: "to", label: "With", list: names() }, { name: "task", label: "Task", lines: 4 }],
    verb: "Offer it",
    act: async (values) => {
      const receipt = await doing("offer", values, ["sessions"]);
      note("Offered.");
      location.hash = to("thread", `human:${receipt.id}`).slice(1);
    },
  });
}
