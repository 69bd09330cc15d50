// The OpenCode plugin of Postroom: tells it when a session works, rests and ends, and shows waiting mail to the model with what a tool returns.
// OpenCode names the program in the options: ["file:///…/postroom.js", {"program": ["/…/postroom"]}].
import { spawn } from "node:child_process"

const PATIENCE_MS = 10_000

/** What `postroom hook EVENT` answers to a payload; null if it has nothing to say or fails: a session must not suffer from that. */
function hook(program, event, payload) {
  return new Promise((resolve) => {
    const [command, ...rest] = program
    const child = spawn(command, [...rest, "hook", event], { stdio: ["pipe", "pipe", "ignore"], timeout: PATIENCE_MS })
    let output = ""
    child.stdout.on("data", (piece) => (output += piece))
    child.on("error", () => resolve(null))
    child.stdin.on("error", () => resolve(null))
    child.on("close", () => {
      try {
        resolve(output ? JSON.parse(output) : null)
      } catch {
        resolve(null)
      }
    })
    child.stdin.end(JSON.stringify({ harness: "opencode", hook_event_name: event, ...payload }))
  })
}

export const Postroom = async ({ client, directory }, options) => {
  const program = options?.program ?? ["postroom"]
  const parents = new Map()
  const statuses = new Map()
  let last = Promise.resolve()

  /** Whether a session is one that a person talks to: what its helpers do is part of its turn. */
  async function isOwn(id) {
    if (!parents.has(id)) {
      const found = await client.session.get({ path: { id } }).catch(() => null)
      parents.set(id, found?.data?.parentID ?? null)
    }
    return parents.get(id) === null
  }

  const tell = async (event, id) => ((await isOwn(id)) ? hook(program, event, { session_id: id, cwd: directory }) : null)

  /** Tell of what changed, one after the other: a session that rests must not be told of before it worked. */
  function note(event, id) {
    if (statuses.get(id) === event) return last
    statuses.set(id, event)
    last = last.then(() => tell(event, id)).catch(() => null)
    return last
  }

  return {
    event: async ({ event }) => {
      const id = event.properties?.sessionID
      if (event.type === "session.deleted") await note("SessionEnd", event.properties.info.id)
      else if (event.type === "session.status" && event.properties.status.type === "busy") await note("Busy", id)
      else if (event.type === "session.status" && event.properties.status.type === "idle") await note("Idle", id)
    },
    "tool.execute.after": async (input, output) => {
      const answer = await tell("PostToolUse", input.sessionID)
      const context = answer?.hookSpecificOutput?.additionalContext
      if (context && typeof output.output === "string") output.output += `\n\n${context}`
    },
  }
}
