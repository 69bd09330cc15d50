// The OpenCode plugin of Postroom: tells it when a session works, rests and ends, and shows waiting mail to the model with what a tool returns.
// OpenCode names the program in the options: ["file:///…/postroom.js", {"program": ["/…/postroom"]}].
import { hook } from "../waking/hook.js"
import { listen } from "../waking/inbox.js"

export const Postroom = async ({ client, directory }, options) => {
  const program = options?.program ?? ["postroom"]
  const parents = new Map()
  const statuses = new Map()
  let last = Promise.resolve()
  let current // the session that was at work last: mail wakes that one
  const read = new Map()
  const inbox = listen("opencode", {
    push: async (text) => {
      if (!current) throw new Error("no session has been at work yet")
      await client.session.promptAsync({ path: { id: current }, body: { parts: [{ type: "text", text }] }, throwOnError: true })
    },
    rests: () => statuses.get(current) !== "Busy",
  })

  /** See which session is at work, and what has come of what was pushed: it is part of a conversation, and the turn is over. */
  function follow(type, properties, id) {
    if (type === "session.status" && properties.status.type === "busy") {
      isOwn(id).then((own) => own && (current = id))
    } else if (type === "message.part.updated" && inbox.texts().includes(properties.part.text)) {
      read.set(properties.part.text, properties.part.sessionID)
      inbox.tell(properties.part.text, "read")
    } else if (type === "session.status" && properties.status.type === "idle") {
      for (const [text, session] of read) {
        if (session !== id) continue
        inbox.tell(text, "over")
        read.delete(text)
      }
    }
  }

  /** Whether a session is one that a person talks to: what its helpers do is part of its turn. */
  async function isOwn(id) {
    if (!parents.has(id)) {
      const found = await client.session.get({ path: { id } }).catch(() => null)
      parents.set(id, found?.data?.parentID ?? null)
    }
    return parents.get(id) === null
  }

  const tell = async (event, id) => ((await isOwn(id)) ? hook(program, "opencode", event, { session_id: id, cwd: directory }) : null)

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
      follow(event.type, event.properties, id)
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
