// The inbox of a harness in JavaScript: a socket on which Postroom's server, a child of the same process, brings mail in. See plugin.py.
import { chmodSync, mkdirSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { homedir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"

/**
 * Listen. `push(text, interrupt)` brings a text into the session that is open, or throws; `rests()` says whether that one waits for its user.
 * Returns `tell(text, fate)`, for what has come of a text since: "read" or "over"; and `close()`.
 */
export function listen(harness, { push, rests }) {
  const directory = join(homedir(), ".cache", "postroom", "inboxes")
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  chmodSync(directory, 0o700)
  const path = join(directory, `${harness}-${process.pid}.sock`)
  rmSync(path, { force: true }) // of an earlier process with this number

  const asked = new Map()

  async function answer(connection, { id, text, interrupt }) {
    const write = (value) => connection.writable && connection.write(`${JSON.stringify({ id, ...value })}\n`)
    try {
      if (text === undefined) return write({ rests: await rests() })
      asked.set(text, write)
      await push(text, interrupt)
      write({ fate: "taken" })
    } catch (error) {
      asked.delete(text)
      write({ error: String(error) })
    }
  }

  const server = createServer((connection) => {
    connection.on("error", () => {})
    createInterface({ input: connection }).on("line", (line) => answer(connection, JSON.parse(line)))
  })
  server.on("error", () => {}) // a second one in this process: the first has the mail
  server.listen(path)
  server.unref()

  return {
    /** The texts that were pushed and are not over. */
    texts: () => [...asked.keys()],
    tell(text, fate) {
      asked.get(text)?.({ fate })
      if (fate === "over") asked.delete(text)
    },
    close() {
      server.close()
      rmSync(path, { force: true })
    },
  }
}
