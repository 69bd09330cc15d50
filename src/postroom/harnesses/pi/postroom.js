// The pi extension of Postroom: pi has no MCP, so this offers the tools of `postroom mcp` to it, and tells Postroom when a session works and rests.
// It is loaded by a file that `postroom install pi` writes, which says how Postroom is started.
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { hook } from "../waking/hook.js"
import { listen } from "../waking/inbox.js"

const VERSION = "2025-11-25"
const CLIENT = "postroom for pi" // by this the server knows that it is told which session it is

/** A `postroom mcp` that belongs to one session. */
class Server {
  constructor(program, environment, cwd) {
    const [command, ...rest] = program
    this.waiting = new Map()
    this.next = 1
    this.child = spawn(command, [...rest, "mcp"], { stdio: ["pipe", "pipe", "ignore"], env: { ...process.env, ...environment }, cwd })
    this.child.on("error", (error) => this.fail(error))
    this.child.on("close", () => this.fail(new Error("postroom mcp has ended; /reload starts it again")))
    this.child.stdin.on("error", () => {})
    createInterface({ input: this.child.stdout }).on("line", (line) => this.receive(JSON.parse(line)))
  }

  fail(error) {
    this.failure = error
    for (const { reject } of this.waiting.values()) reject(error)
    this.waiting.clear()
  }

  receive({ id, result, error }) {
    const asked = this.waiting.get(id)
    this.waiting.delete(id)
    if (error) asked?.reject(new Error(error.message))
    else asked?.resolve(result)
  }

  notify(method, params) {
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method, params })}\n`)
  }

  request(method, params, signal) {
    if (this.failure) return Promise.reject(this.failure)
    const id = this.next++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      signal?.addEventListener("abort", () => this.notify("notifications/cancelled", { requestId: id }), { once: true })
      this.child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`)
    })
  }

  async tools() {
    await this.request("initialize", { protocolVersion: VERSION, capabilities: {}, clientInfo: { name: CLIENT, version: "1" } })
    this.notify("notifications/initialized")
    return (await this.request("tools/list", {})).tools
  }

  close() {
    this.child.stdin.end()
  }
}

/** The extension, for a program such as ["/…/postroom"]. */
export default function connect(program) {
  return (pi) => {
    let server
    let session
    let inbox
    let rests = true
    const read = new Set()

    const push = (text, interrupt) =>
      pi.sendMessage({ customType: "postroom", content: text, display: true }, { triggerTurn: true, deliverAs: interrupt ? "steer" : "followUp" })

    const tell = (event, context) => hook(program, "pi", event, { session_id: session, cwd: context.cwd })

    async function call(name, parameters, signal) {
      const result = await server.request("tools/call", { name, arguments: parameters }, signal)
      const text = result.content.map((part) => part.text).join("\n")
      if (result.isError) throw new Error(text)
      return { content: [{ type: "text", text }], details: undefined }
    }

    pi.on("session_start", async (_event, context) => {
      session = context.sessionManager.getSessionId()
      inbox = listen("pi", { push, rests: () => rests })
      server = new Server(program, { PI_SESSION_ID: session }, context.cwd)
      for (const tool of await server.tools()) {
        pi.registerTool({
          name: `postroom_${tool.name}`,
          label: `postroom ${tool.name}`,
          description: tool.description,
          parameters: tool.inputSchema,
          execute: (_id, parameters, signal) => call(tool.name, parameters, signal),
        })
      }
    })
    pi.on("before_agent_start", async (_event, context) => {
      const answer = await tell("UserPromptSubmit", context)
      const text = answer?.hookSpecificOutput?.additionalContext
      return text ? { message: { customType: "postroom", content: text, display: true } } : undefined
    })
    pi.on("agent_start", () => {
      rests = false
    })
    pi.on("message_end", ({ message }) => {
      if (message.role !== "custom" || message.customType !== "postroom") return
      for (const text of inbox?.texts() ?? []) {
        if (message.content !== text) continue
        read.add(text)
        inbox.tell(text, "read")
      }
    })
    pi.on("agent_settled", (_event, context) => {
      rests = true
      for (const text of read) inbox?.tell(text, "over")
      read.clear()
      return tell("Idle", context)
    })
    pi.on("session_shutdown", async (_event, context) => {
      await tell("SessionEnd", context)
      server?.close()
      inbox?.close()
    })
  }
}
