// Writing as the human: a small form at the foot of a view, and a dialog for a new message.

import { asked, note, trying } from "./dialog.js";
import { button, fill, h } from "./dom.js";
import { doing, model } from "./model.js";
import { chooser } from "./parts.js";

const NAMES = "known-names";

export function names() {
  document.getElementById(NAMES)?.remove();
  const agents = (model.agents ?? []).filter((agent) => agent.kind === "agent").map((agent) => agent.name);
  const rooms = (model.rooms ?? []).map((room) => `#${room.name}`);
  document.body.append(h("datalist", { id: NAMES }, [...agents, ...rooms, "@all"].map((name) => h("option", { value: name }))));
  return NAMES;
}

export const URGENCIES = [["next", "after what it is doing"], ["now", "at once"], ["info", "whenever it likes"]];
const WITHIN = [["", "no answer expected"], ["60", "answer within a minute"], ["600", "answer within 10 minutes"], ["3600", "answer within an hour"], ["86400", "answer within a day"]];

export async function sent(values, done) {
  const room = values.to?.startsWith?.("#") ? values.to.slice(1) : null;
  if (room) await joined(room);
  const receipt = await doing("send", values, ["requests", "overview"]);
  note(done ?? (receipt.state === "held" ? "Stored, and held." : "Sent."));
  return receipt;
}

async function joined(room) {
  const known = (model.rooms ?? []).find((one) => one.name === room);
  if (known && (known.role === "member" || known.role === "owner")) return;
  await doing("join", { room }, ["rooms"]);
}

export function compose({ to = "", subject = "", body = "" } = {}) {
  return asked({
    title: "Write as human",
    fields: [
      { name: "to", label: "To", value: to, list: names(), hint: "an agent, #room, @all, or several agents with blanks between" },
      { name: "subject", label: "Subject", value: subject, required: false },
      { name: "body", label: "Message", value: body, lines: 7 },
      { name: "urgency", label: "When it should be looked at", options: URGENCIES },
      { name: "within", label: "Answer", options: WITHIN, required: false },
    ],
    verb: "Send",
    act: ({ to: whom, subject: about, body: text, urgency, within }) => {
      const all = whom.trim().split(/[\s,]+/);
      return sent({ to: all.length === 1 ? all[0] : all, subject: about, body: text, urgency, ...(within ? { reply_within: Number(within) } : {}) });
    },
  });
}

// The form at the foot of a room, an agent or a conversation. `say` gets the text; what fails stays in the form.
export function composer({ label, placeholder, say, urgency = true }) {
  const input = h("textarea", { rows: 1, placeholder, "aria-label": label, "data-key": "composer" });
  const choice = urgency ? chooser("When it should be looked at", URGENCIES, "next", () => {}) : null;
  const go = h("button", { type: "submit", class: "primary" }, "Send");
  const form = h("form", { class: "composer" }, input, h("div", { class: "send" }, choice, go));
  const fit = () => {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight + 2, 260)}px`;
  };
  input.addEventListener("input", fit);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && (event.ctrlKey || event.metaKey || !input.value.includes("\n"))) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!input.value.trim() || go.disabled) return;
    go.disabled = true;
    const answer = await trying(say(input.value, choice ? { urgency: choice.value } : {}));
    go.disabled = false;
    if (answer !== undefined) {
      input.value = "";
      fit();
    }
  });
  return form;
}

// What a person may do to an agent.
export function pausing(agent) {
  if (agent.paused !== null) return [button("Release", () => trying(doing("release", { id: agent.name }, ["agents", "held", "overview"]), "It goes on."), { "data-key": `release-${agent.name}` })];
  return [button("Pause", () => pauseAsked(agent.name), { "data-key": `pause-${agent.name}` })];
}

export function pauseAsked(name) {
  return asked({
    title: `Pause ${name}`,
    about: "Everything that it sends from now on is held until you release it. It is told once, with your reason.",
    fields: [{ name: "reason", label: "Why", hint: "for the agent" }],
    verb: "Pause",
    danger: true,
    act: async ({ reason }) => {
      await doing("pause", { name, reason }, ["agents", "held", "overview"]);
      note(`${name} is paused.`);
    },
  });
}

