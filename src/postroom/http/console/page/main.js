// The page: coming in, the frame around the views, and which view is shown for which address.

import { enter, Failure, hasKey, leave, whenLost } from "./api.js";
import { compose } from "./compose.js";
import { note, noteBoard, whispered } from "./dialog.js";
import { button, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { pageKeys, showKeys, viewKeys } from "./keys.js";
import { begin, end, model, on } from "./model.js";
import { dot, go, to, whoText } from "./parts.js";
import { line, refreshTimes } from "./text.js";
import { agentView } from "./views/agent.js";
import { conversationView } from "./views/conversation.js";
import { exportView } from "./views/export.js";
import { feedView } from "./views/feed.js";
import { heldView } from "./views/held.js";
import { inboxView } from "./views/inbox.js";
import { overviewView } from "./views/overview.js";
import { roomsView } from "./views/rooms.js";
import { searchView } from "./views/search.js";
import { sessionsView } from "./views/sessions.js";

const VIEWS = {
  overview: { view: overviewView, title: "Overview", key: "o" },
  live: { view: feedView, title: "Live", key: "l" },
  inbox: { view: inboxView, title: "Inbox", key: "i" },
  rooms: { view: roomsView, title: "Rooms", key: "r" },
  sessions: { view: sessionsView, title: "Sessions", key: "s" },
  held: { view: heldView, title: "Held", key: "h" },
  search: { view: searchView, title: "Search", key: "f" },
  export: { view: exportView, title: "Export", key: "e" },
  thread: { view: conversationView, title: "Conversation", under: "live" },
  agent: { view: agentView, title: "Agent", under: "overview" },
};
const LISTED = Object.keys(VIEWS).filter((name) => VIEWS[name].key);
const IN_BAR = ["overview", "live", "inbox", "rooms"];

let over = new AbortController();
let shown = null;

// Which view: #/name/part?query

function address() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...parts] = path.split("/").map((part) => { try { return decodeURIComponent(part); } catch { return part; } });
  return { name: name in VIEWS ? name : "overview", parts, query: Object.fromEntries(new URLSearchParams(query)) };
}

function navigate(event) {
  if (!hasKey()) return;
  const at = address();
  if (shown?.stays?.(at)) return;
  over.abort();
  over = new AbortController();
  const row = VIEWS[at.name];
  shown = row.view({ ...at, signal: over.signal });
  fill(main, shown.element);
  viewKeys(shown.keys ?? {});
  main.scrollTop = 0;
  frame.dataset.view = at.name;
  retitle();
  for (const link of document.querySelectorAll("[data-view-link]")) {
    const here = link.dataset.viewLink === (row.under ?? at.name);
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const first = event === undefined; // then Tab begins at the top of the page, as anywhere
  if (shown.focus) shown.focus();
  else if (!first) main.focus({ preventScroll: true });
}

function retitle() {
  const number = (model.requests ?? []).filter((one) => one.awaited || one.message.kind === "syn").length;
  const what = shown?.title ?? VIEWS[address().name].title;
  document.title = `${number ? `(${number}) ` : ""}${line(what)} · Postroom`;
}

// The frame

const badges = {};
const main = h("main", { id: "main", tabindex: -1 });
const people = h("ul", { class: "here" });
const connection = h("span", { class: "connection", role: "status" });
const frame = h("div", { class: "frame", hidden: true });

function viewLink(name) {
  badges[name] ??= [];
  const badge = h("span", { class: "badge", hidden: true });
  badges[name].push(badge);
  return h(
    "a",
    { href: to(name), "data-view-link": name, title: `g ${VIEWS[name].key}` },
    icon(name),
    h("span", { class: "name" }, VIEWS[name].title),
    badge,
  );
}

function badge(name, number, words) {
  for (const shown of badges[name] ?? []) {
    shown.hidden = !number;
    fill(shown, number > 99 ? "99+" : number, h("span", { class: "unseen-by-eye" }, ` ${words}`));
  }
}

function furnish() {
  const more = button([icon("more"), h("span", { class: "name" }, "More")], () => frame.classList.toggle("open"), { class: "plain more", "aria-label": "More" });
  fill(
    frame,
    h("button", { type: "button", class: "skip", on: { click: () => main.focus() } }, "Skip to content"),
    h(
      "nav",
      { class: "side", "aria-label": "Views" },
      h("a", { class: "brand", href: "#/overview", "aria-label": "Postroom, overview" }, h("img", { src: "/console/icon.svg", alt: "", width: 22, height: 22 }), "Postroom"),
      h("div", { class: "links" }, LISTED.map(viewLink)),
      h("section", { class: "people", "aria-label": "Who is here" }, h("h2", {}, "Here"), people),
      h(
        "footer",
        {},
        connection,
        h("span", { class: "tools" },
          button(icon("write"), () => compose(), { class: "plain", "aria-label": "Write a message", title: "Write (c)" }),
          button(icon("theme"), theme, { class: "plain", "aria-label": "Dark or light", title: "Dark or light (t)" }),
          button(icon("keys"), showKeys, { class: "plain", "aria-label": "Keys", title: "Keys (?)" }),
          button(icon("leave"), leave, { class: "plain", "aria-label": "Log out", title: "Log out" })),
      ),
    ),
    main,
    h("nav", { class: "bar", "aria-label": "Main views" }, IN_BAR.map(viewLink), more),
  );
  frame.addEventListener("click", (event) => {
    if (event.target === frame || event.target.closest(".side a")) frame.classList.remove("open");
  });
}

function listen() {
  on("online", (online) => {
    connection.className = `connection ${online ? "on" : "off"}`;
    fill(connection, online ? "Live" : "Offline");
  });
  on("agents", (agents) => {
    const here = agents.filter((agent) => agent.kind === "agent" && (agent.online || agent.waiting));
    here.sort((a, b) => b.online - a.online || a.name.localeCompare(b.name));
    fill(people, here.slice(0, 40).map((agent) =>
      h("li", {}, h("a", { href: to("agent", agent.name) }, dot(agent), whoText(agent.name), agent.waiting ? h("span", { class: "waits num", title: "waiting" }, agent.waiting) : null))));
  });
  let known = null;
  on("requests", (requests) => {
    const open = requests.filter((one) => one.awaited || one.message.kind === "syn");
    badge("inbox", open.length, "requests");
    const fresh = known === null ? 0 : open.filter((one) => !known.has(`${one.message.sender}:${one.message.id}`)).length;
    if (fresh) whispered(`${fresh} new ${fresh === 1 ? "request" : "requests"} in the inbox`);
    known = new Set(open.map((one) => `${one.message.sender}:${one.message.id}`));
    retitle();
  });
  on("held", (held) => badge("held", held.length, "held"));
  on("trouble", (error) => error instanceof Failure && error.code !== "unreachable" && note(error.message, { bad: true }));
}

// Dark and light: see theme.js.

function theme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("postroom-theme", root.dataset.theme);
  document.dispatchEvent(new Event("theme"));
}

pageKeys({
  "?": { act: showKeys, about: "these keys" },
  "/": { act: () => (shown?.find ? shown.find() : go("search")), about: "search, or filter what is shown" },
  c: { act: () => compose(shown?.to ? { to: shown.to } : {}), about: "write a message" },
  t: { act: theme, about: "dark or light" },
  Escape: { act: () => (frame.classList.contains("open") ? frame.classList.remove("open") : shown?.up ? go(...shown.up) : false) },
  ...Object.fromEntries(LISTED.map((name) => [`g ${VIEWS[name].key}`, { act: () => go(name), about: VIEWS[name].title }])),
});

// Coming in

const door = h("div", { class: "door", hidden: true });

function closed(words) {
  end();
  over.abort();
  shown = null;
  frame.hidden = true;
  door.hidden = false;
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  document.title = "Postroom";
  fill(
    door,
    h("main", { class: "card" },
      h("img", { src: "/console/icon.svg", alt: "", width: 44, height: 44 }),
      h("h1", {}, "Postroom"),
      words ? h("p", { class: "wrong", role: "alert" }, words) : null,
      h("p", {}, "To come in, run this on the machine where the post room is. It opens a link that works once."),
      h("pre", { class: "code", tabindex: 0 }, "postroom console")),
  );
}

async function start() {
  document.body.append(frame, door, noteBoard);
  whenLost(() => closed("This page is logged out."));
  const secret = /^#login=([A-Za-z0-9_-]+)$/.exec(location.hash)?.[1];
  if (secret) {
    history.replaceState(null, "", "/");
    try {
      await enter(secret);
    } catch (error) {
      if (!hasKey()) return closed(error.status === 401 ? "This link was used before, or is too old." : error.message);
    }
  }
  if (!hasKey()) return closed();
  frame.hidden = false;
  furnish();
  begin();
  listen();
  window.addEventListener("hashchange", navigate);
  setInterval(refreshTimes, 10_000);
  navigate();
}

start();
