/**
 * A part of a local network in a process of its own: the chain, or some of the roles. Is told which in its first message, and ends
 * with its parent, which alone says when to close: Ctrl-C on a terminal reaches all processes at once.
 */
import { systemClock } from '../clock.js'
import { randomBytes } from '../crypto/keys.js'
import { ChainProgram } from '../daemon/chain-program.js'
import { NodeProgram } from '../daemon/node-program.js'
import { DatdotError } from '../errors.js'
import type { Resource } from '../lifecycle.js'
import type { Logger } from '../log.js'
import { aborted, unlessAborted } from '../wait.js'
import type { ChainPart, Part, RolesPart } from './parts.js'

/** Longest that what is open may take to close where the parent is gone. */
const ORPHAN_MS = 9_000

const stop = new AbortController()
const say = (event: string, value: unknown = null): void => {
  if (process.connected) process.send?.({ event, value }, () => {})
}
const world = { clock: systemClock, randomBytes, hear: (_name: string, log: Logger): Logger => log }

async function run(part: Part): Promise<void> {
  const [program, begin] = part.kind === 'chain' ? chain(part) : roles(part)
  try {
    await program.ready()
    say('opened')
    await unlessAborted(begin(), stop.signal)
    await aborted(stop.signal)
  } catch (error) {
    if (!stop.signal.aborted) {
      const { message, code } = error as DatdotError
      say('failed', { code: error instanceof DatdotError ? code : null, message })
    }
  } finally {
    await program.close().catch(() => {})
    process.exit()
  }
}

function chain({ options }: ChainPart): [Resource, () => Promise<void>] {
  const program = new ChainProgram({ ...options, ...world })
  return [program, () => Promise.resolve(say('started'))]
}

function roles({ options }: RolesPart): [Resource, () => Promise<void>] {
  const chainKey = Buffer.from(options.chainKey)
  const program = new NodeProgram({ ...options, chainKey, ...world, fund: () => Promise.resolve(0n) })
  return [program, () => program.join().then(() => say('started'))]
}

let running = false
/** Closes what is open, if anything is yet. */
function close(): void {
  stop.abort()
  if (!running) process.exit()
}

process.on('message', (message: { part: Part } | { order: 'close' }) => {
  if (!('part' in message)) return close()
  running = true
  void run(message.part)
})
process.on('disconnect', () => {
  systemClock.after(ORPHAN_MS, () => process.exit()).unref()
  close()
})
for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
process.on('SIGTERM', close)
