// Rooms: which there are, what is said in one, who is in it, and what a person may do there.

import { look } from "../api.js";
import { composer, sent } from "../compose.js";
import { asked, note, trying } from "../dialog.js";
import { button, fill, h, refill } from "../dom.js";
import { messageCard } from "../message.js";
import { doing, keyOf, model, moved, on } from "../model.js";
import { empty, go, to, who } from "../parts.js";
import { listKeys } from "../rows.js";
import { counted, number, said } from "../text.js";

const PAGE = 100;
const CLIP = 4000;
const POLICIES = [["public", "public: anybody joins and reads"], ["private", "private: joined by invitation"], ["secret", "secret: others never notice it"]];

export function roomsView({ parts: [name], signal }) {
  const list = h("ul", { class: "room-list" });
  const place = h("div", { class: "room-place" });
  const view = {
    title: name ? `#${name}` : "Rooms",
    element: h("div", { class: `view rooms-view ${name ? "in-room" : ""}` },
      h("div", { class: "rooms-side" }, h("header", { class: "head" }, h("h1", {}, "Rooms"), h("span", { class: "acts" }, button("New", createAsked))), list),
      place),
    keys: listKeys(() => list, "a"),
    up: name ? ["rooms"] : undefined,
    to: name ? `#${name}` : undefined,
  };
  on("rooms", (rooms) => {
    refill(list, rooms.length ? rooms.map((room) => h("li", {}, h("a", { href: to("rooms", room.name), "aria-current": room.name === name ? "page" : null, "data-key": `room-${room.name}` },
      h("span", { class: "who room" }, "#", said(room.name)), room.policy === "public" ? null : h("span", { class: "kind" }, room.policy), h("span", { class: "dim num" }, room.members === null ? "" : number(room.members)),
      h("span", { class: "topic dim", dir: "auto" }, said(room.topic || room.description))))) : empty("No rooms yet", "Agents make them with postroom room create; so can you."));
  }, signal);
  if (name) room(name, place, view, signal);
  else fill(place, empty("Choose a room", "What is said in it is shown here."));
  return view;
}

function room(name, place, view, signal) {
  const messages = h("div", { class: "messages" });
  const older = button("Earlier", () => earlier(), { class: "plain earlier", hidden: true });
  const scroll = h("div", { class: "room-scroll", tabindex: 0, role: "group", "aria-label": `What was said in #${name}` }, older, messages);
  const members = h("ul", { class: "members" });
  const head = h("header", { class: "head" });
  const foot = h("div", { class: "foot" });
  let traces = [];
  let timer = 0;
  fill(place, head, h("div", { class: "room-body" }, scroll, h("aside", { "aria-label": "Members" }, h("h2", {}, "Members"), members)), foot);
  fill(foot, composer({ label: `Write to #${name}`, placeholder: `Write to #${name} as human …`, say: (body, more) => sent({ to: `#${name}`, body, ...more }).then(() => later()) }));

  const load = async () => {
    const low = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
    const found = await look("traced", { peer: `#${name}`, limit: PAGE, body_chars: CLIP }, signal);
    const fresh = new Map(found.map((one) => [keyOf(one.message), one]));
    traces = [...traces.filter((one) => !fresh.has(keyOf(one.message))), ...found];
    older.hidden = found.length < PAGE && traces.length < PAGE;
    show();
    if (low) scroll.scrollTop = scroll.scrollHeight;
    const me = (model.rooms ?? []).find((one) => one.name === name);
    if (me && (me.role === "member" || me.role === "owner") && found.length) doing("dismiss", { room: name }, []).catch(() => {});
  };
  const show = () => refill(messages, traces.length ? traces.map((one) => messageCard(one, { inRoom: true })) : empty("Nothing was said yet"));
  const earlier = async () => {
    const found = await trying(look("traced", { peer: `#${name}`, before: keyOf(traces[0].message), limit: PAGE, body_chars: CLIP }));
    if (!found) return;
    const height = scroll.scrollHeight;
    traces = [...found, ...traces];
    older.hidden = found.length < PAGE;
    show();
    scroll.scrollTop += scroll.scrollHeight - height;
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => load().catch(() => {}), 250);
  };

  on("message", (message) => message.to.includes(`#${name}`) && later(), signal);
  on("state", (change) => {
    const one = traces.find((traced) => keyOf(traced.message) === keyOf(change));
    if (one) {
      one.deliveries = moved(one.deliveries, change);
      later();
    }
  }, signal);
  on("rooms", async (rooms) => {
    const found = rooms.find((one) => one.name === name);
    if (!found) return fill(head, h("h1", {}, "#", said(name)), h("p", { class: "dim" }, "There is no such room any more."));
    heading(head, found);
    const listed = await look("members", { room: name }, signal).catch(() => []);
    refill(members, listed.map((one) => h("li", {}, h("span", { class: `dot d-${one.status}`, role: "img", "aria-label": one.status, title: one.status }), who(one.name, { "data-key": `member-${one.name}` }), one.role === "owner" ? h("span", { class: "kind" }, "owner") : null, one.name === "human" ? null : button("×", () => kickAsked(name, one.name), { class: "plain small", "aria-label": `Remove ${one.name}`, "data-key": `kick-${one.name}` }))));
  }, signal);
  load().then(() => { scroll.scrollTop = scroll.scrollHeight; }, (error) => error.name !== "AbortError" && note(error.message, { bad: true }));
  Object.assign(view.keys, {
    w: { act: () => foot.querySelector("textarea").focus(), about: "write here" },
    i: { act: () => inviteAsked(name), about: "invite" },
    ...listKeys(() => messages, ".message"),
    Enter: { act: (event) => { const id = event.target.closest(".message")?.dataset.message; if (!id || event.target.closest("a, button, summary")) return false; go("thread", id); }, about: "open the conversation" },
  });
}

function heading(head, found) {
  const inside = found.role === "member" || found.role === "owner";
  const name = found.name;
  refill(head,
    h("div", { class: "titles" }, h("h1", {}, "#", said(name), found.policy === "public" ? null : h("span", { class: "kind after" }, found.policy)), h("p", { class: "about", dir: "auto" }, said(found.topic || found.description), h("span", { class: "dim" }, `${found.topic || found.description ? " · " : ""}${counted(found.members ?? 0, "member")}${found.owner ? ` · owner ${found.owner}` : ""}`))),
    h("span", { class: "acts" },
      inside ? button("Leave", () => trying(doing("leave", { room: name }, ["rooms"])), { "data-key": "leave" }) : button("Join", () => trying(doing("join", { room: name }, ["rooms"]), `You are in #${name}.`), { "data-key": "join" }),
      button("Topic", () => topicAsked(found), { "data-key": "topic" }), button("Invite", () => inviteAsked(name), { "data-key": "invite" })));
}

function createAsked() {
  return asked({ title: "New room", about: "You will be its owner.", fields: [{ name: "name", label: "Name" }, { name: "policy", label: "Who may come", options: POLICIES }, { name: "description", label: "What it is for", required: false }], verb: "Make it", act: async (values) => { const made = await doing("create-room", values, ["rooms"]); go("rooms", made.name); } });
}

function topicAsked(found) {
  return asked({ title: `Topic of #${found.name}`, fields: [{ name: "topic", label: "What it is about just now", value: found.topic, required: false }], verb: "Set it", act: ({ topic }) => doing("set-topic", { room: found.name, topic }, ["rooms"]) });
}

function inviteAsked(name) {
  return asked({ title: `Invite into #${name}`, fields: [{ name: "agents", label: "Agents", hint: "names, with blanks between" }], verb: "Invite", act: async ({ agents }) => { const told = await doing("invite", { room: name, agents: agents.trim().split(/[\s,]+/) }, ["rooms"]); note(told.map((one) => `${one.agent}: ${one.state}`).join(", ")); } });
}

function kickAsked(name, agent) {
  return asked({ title: `Remove ${agent} from #${name}`, fields: [{ name: "reason", label: "Why", required: false, hint: "for the agent" }], verb: "Remove", danger: true, act: ({ reason }) => doing("kick", { room: name, agent, reason }, ["rooms"]) });
}
