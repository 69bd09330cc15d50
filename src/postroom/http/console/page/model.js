// What the page knows, and who is told when it changes. Views ask for topics; only what somebody looks at is fetched again.

import { act, hasKey, live, look } from "./api.js";

const TOPICS = {
  overview: (signal) => look("overview", { minutes: 60 }, signal),
  agents: (signal) => look("agents", {}, signal),
  requests: (signal) => look("requests", { limit: 300 }, signal),
  held: (signal) => look("held", {}, signal),
  rooms: (signal) => look("rooms", {}, signal),
  sessions: (signal) => look("sessions", {}, signal),
};
const PAUSE_MS = 1200;

export const model = { online: false, ...Object.fromEntries(Object.keys(TOPICS).map((topic) => [topic, null])) };
const listeners = new Map();
const asked = {};
const due = new Set();
let timer = null;
let stream = new AbortController();

// Listen to a topic until the signal says that it is over. What is known is told at once.
export function on(topic, hear, signal) {
  const all = listeners.get(topic) ?? new Set();
  listeners.set(topic, all.add(hear));
  signal?.addEventListener("abort", () => all.delete(hear));
  if (topic in TOPICS) {
    if (model[topic] !== null) hear(model[topic]);
    refresh(topic);
  }
}

export function tell(topic, value) {
  for (const hear of [...(listeners.get(topic) ?? [])]) hear(value);
}

export async function refresh(topic) {
  const number = (asked[topic] = (asked[topic] ?? 0) + 1);
  try {
    const value = await TOPICS[topic](stream.signal);
    if (number < asked[topic]) return; // asked again meanwhile: the older answer may come after the newer one
    model[topic] = value;
    tell(topic, value);
  } catch (error) {
    if (error.name !== "AbortError" && error.status !== 401) tell("trouble", error);
  }
}

// Something happened in the post room: look again at what is shown, but not more often than people can read.
export function changed(topics = Object.keys(TOPICS)) {
  for (const topic of topics) if (listeners.get(topic)?.size) due.add(topic);
  if (timer !== null || document.hidden) return;
  timer = setTimeout(async () => {
    const now = [...due];
    due.clear();
    await Promise.all(now.map(refresh));
    timer = null;
    if (due.size) changed([]);
  }, PAUSE_MS);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && hasKey()) changed();
});

export function begin() {
  stream.abort();
  stream = new AbortController();
  live((name, data) => {
    if (name === "online" || name === "offline") {
      model.online = name === "online";
      tell("online", model.online);
      if (model.online) changed();
    } else if (name === "changed") changed();
    else tell(name, data);
  }, stream.signal);
}

export function end() {
  stream.abort();
}

// Do something, and show at once what became of it.
export async function doing(verb, values, topics) {
  const answer = await act(verb, values);
  await Promise.all((topics ?? []).filter((topic) => listeners.get(topic)?.size).map(refresh));
  return answer;
}

// Messages

export const keyOf = (message) => `${message.sender}:${message.id}`;
export const isTalk = (kind) => kind === "message" || kind === "data" || kind === "syn";

const FAR = ["accepted", "held", "delivered", "handed", "read", "answered", "expired", "refused"];

// How far a message is: the state that is least far, how many are that far or further than being handed, and of how many.
export function fate(deliveries) {
  if (!deliveries?.length) return { state: "delivered", read: 0, all: 0 }; // the feed says nothing of what is just that
  const state = deliveries.reduce((least, one) => (FAR.indexOf(one.state) < FAR.indexOf(least) ? one.state : least), "refused");
  return { state, read: deliveries.filter((one) => one.state === "read" || one.state === "answered").length, all: deliveries.length };
}

// What one change of state does to the deliveries that are known.
export function moved(deliveries, change) {
  const at = `${change.state}_ms`;
  const field = ["delivered_ms", "handed_ms", "read_ms", "answered_ms"].includes(at) ? at : "ended_ms";
  const next = { recipient: change.recipient, online: true, handovers: 0 };
  const found = deliveries.find((one) => one.recipient === change.recipient);
  const after = { ...(found ?? next), state: change.state, reason: change.reason, [field]: change.at_ms ?? Date.now() };
  return found ? deliveries.map((one) => (one === found ? after : one)) : [...deliveries, after];
}
