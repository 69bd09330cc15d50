// How the plugins of harnesses in JavaScript call `postroom hook`.
import { spawn } from "node:child_process"

const PATIENCE_MS = 10_000

/** What `postroom hook EVENT` answers to a payload; null if it has nothing to say or fails: a session must not suffer from that. */
export function hook(program, harness, event, payload) {
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
    child.stdin.end(JSON.stringify({ harness, hook_event_name: event, ...payload }))
  })
}
