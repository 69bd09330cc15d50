// Talking to the node: verbs, the live stream, and the key without which the cookie of the page opens nothing.

const KEY = "postroom-key";
const QUIET_MS = 45_000;
const RETRY_MS = [250, 500, 1000, 2000, 5000, 10_000];

export class Failure extends Error {
  constructor(status, answer) {
    super(answer.message ?? `The node answered ${status}.`);
    this.status = status;
    this.code = answer.error ?? "unknown";
  }
}

let lost = () => {};

export function whenLost(act) {
  lost = act;
}

export const hasKey = () => localStorage.getItem(KEY) !== null;

function headers(more = {}) {
  return { "X-Postroom-Console": localStorage.getItem(KEY) ?? "", ...more };
}

async function answered(promise) {
  let response;
  try {
    response = await promise;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure(0, { error: "unreachable", message: "The node cannot be reached. Is `postroom up` running?" });
  }
  if (response.ok) return response;
  const answer = await response.json().catch(() => ({}));
  if (response.status === 401) {
    localStorage.removeItem(KEY);
    lost();
  }
  throw new Failure(response.status, answer);
}

export async function look(verb, query = {}, signal) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const words = new URLSearchParams(given).toString();
  const response = await answered(fetch(`/api/${verb}${words ? `?${words}` : ""}`, { headers: headers(), signal, cache: "no-store" }));
  return response.json();
}

export async function act(verb, values = {}) {
  const request = { method: "POST", headers: headers({ "Content-Type": "application/json" }), body: JSON.stringify(values) };
  return (await answered(fetch(`/api/${verb}`, request))).json();
}

export async function bytes(path, signal) {
  return answered(fetch(path, { headers: headers(), signal, cache: "no-store" }));
}

// Coming in and going

export async function enter(secret) {
  const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ secret }) };
  const { key } = await (await answered(fetch("/console/enter", request))).json();
  localStorage.setItem(KEY, key);
}

export async function leave() {
  await answered(fetch("/console/leave", { method: "POST", headers: headers({ "Content-Type": "application/json" }), body: "{}" })).catch(() => {});
  localStorage.removeItem(KEY);
  lost();
}

// The live stream, read with fetch: an EventSource could not send the key.

export function live(hear, signal) {
  let tries = 0;
  let last = "";
  const go = async () => {
    while (!signal.aborted) {
      const attempt = new AbortController();
      const stop = () => attempt.abort();
      signal.addEventListener("abort", stop);
      try {
        await listen(attempt, (event) => {
          tries = 0;
          if (event.id) last = event.id;
          if (event.data !== null) hear(event.name, event.data);
        }, last);
      } catch {
        // the next try says what is wrong
      }
      signal.removeEventListener("abort", stop);
      if (signal.aborted || !hasKey()) return;
      hear("offline", {});
      await new Promise((done) => setTimeout(done, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]));
    }
  };
  go();
}

async function listen(attempt, hear, last) {
  let timer = setTimeout(() => attempt.abort(), QUIET_MS);
  const more = last ? { "Last-Event-ID": last } : {};
  const response = await answered(fetch("/api/live", { headers: headers({ Accept: "text/event-stream", ...more }), signal: attempt.signal, cache: "no-store" }));
  hear({ name: "online", data: {} });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => attempt.abort(), QUIET_MS);
      const frames = (rest + value).split("\n\n");
      rest = frames.pop();
      for (const frame of frames) {
        const event = parsed(frame);
        if (event) hear(event);
      }
    }
  } finally {
    clearTimeout(timer);
    attempt.abort();
  }
}

function parsed(frame) {
  const event = { name: "message", id: "", data: "" };
  for (const part of frame.split("\n")) {
    const colon = part.indexOf(":");
    if (colon === 0) continue;
    const [field, value] = colon < 0 ? [part, ""] : [part.slice(0, colon), part.slice(colon + 1).replace(/^ /, "")];
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data += value;
  }
  return event.data || event.id ? { ...event, data: event.data ? JSON.parse(event.data) : null } : null;
}
