import type Hypercore from 'hypercore'
import { systemClock, type Clock } from '../clock.js'
import { ChainError, InputError } from '../errors.js'
import { deadline, unlessAborted } from '../wait.js'

/** Blocks that a follower asks for ahead of the one it waits for. */
const FOLLOW_AHEAD = 256
/** How to follow a log. */
export interface FollowOptions {
  /** First entry to yield; 0 if not given. */
  from?: number
  /** Go on waiting for new entries (until aborted) instead of ending at the length found. */
  live?: boolean
  /** How long one entry, or the first sight of the log's length, may take, in ms. */
  timeoutMs?: number
  signal?: AbortSignal
  /** The machine's own if not given. */
  clock?: Clock
}

/**
 * The entries of a log, in order, from a core opened by `chainCoreKey` on any corestore that replicates.
 *
 * @throws InputError `LOG_UNREACHABLE` if an entry does not arrive in time; ChainError `LOG_REWRITTEN` if the chain
 *   truncated its log, which it never does
 */
export async function* followLog(
  core: Hypercore,
  { from = 0, live = false, timeoutMs = 30_000, signal, clock = systemClock }: FollowOptions = {}
): AsyncGenerator<Buffer, void, void> {
  await core.ready()
  if (core.length <= from) {
    const error = (): Error => unreachable(`nobody offered it within ${timeoutMs} ms`)
    await deadline(core.update({ wait: true }), { clock, ms: timeoutMs, signal, error })
  }
  for (let next = from; ;) {
    const ahead = core.download({ start: next, end: Math.min(core.length, next + FOLLOW_AHEAD) })
    try {
      for (const end = Math.min(core.length, next + FOLLOW_AHEAD); next < end; next++) {
        signal?.throwIfAborted()
        if (core.fork !== 0) throw new ChainError('LOG_REWRITTEN', 'The chain has rewritten its log')
        yield await entry(core, next, timeoutMs)
      }
    } finally {
      ahead.destroy()
    }
    if (next < core.length) continue
    if (!live || core.closed) return
    await grown(core, signal)
  }
}

/** Waits until the core grows or closes. */
async function grown(core: Hypercore, signal?: AbortSignal): Promise<void> {
  let wake = (): void => {}
  const changed = new Promise<void>((resolve) => (wake = resolve))
  core.once('append', wake)
  core.once('close', wake)
  try {
    await (signal ? unlessAborted(changed, signal) : changed)
  } finally {
    core.off('append', wake)
    core.off('close', wake)
  }
}

async function entry(core: Hypercore, index: number, timeoutMs: number): Promise<Buffer> {
  const block = await core.get(index, { timeout: timeoutMs }).catch(() => null)
  if (!block) throw unreachable(`entry ${index} did not arrive within ${timeoutMs} ms`)
  return block
}

function unreachable(why: string): InputError {
  return new InputError('LOG_UNREACHABLE', `The chain's log cannot be followed: ${why}`)
}
