import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Resource } from '../../src/lifecycle.js'

/** Sockets and handles are gone a moment after whoever closed them says so. */
const PATIENCE_MS = 20_000

/** What keeps this process alive, and the files and sockets that it has open. */
export function openResources(): string[] {
  return [...process.getActiveResourcesInfo().filter((name) => name !== 'CloseReq'), ...openFiles()].sort()
}

function openFiles(): string[] {
  let descriptors: string[]
  try {
    descriptors = readdirSync('/proc/self/fd')
  } catch {
    // Not on Linux.
    return []
  }
  return descriptors.flatMap((descriptor) => {
    try {
      // Numbers of sockets and pipes say nothing.
      return [readlinkSync(`/proc/self/fd/${descriptor}`).replace(/:\[\d+\]$/, '')]
    } catch {
      // That of the listing itself.
      return []
    }
  })
}

/** Waits until nothing is open that was not open before. */
export async function nothingLeft(before: readonly string[], what: string): Promise<void> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const left = [...openResources()]
    for (const name of before) {
      const at = left.indexOf(name)
      if (at >= 0) left.splice(at, 1)
    }
    // The timer of this wait is not there yet, or gone.
    if (left.length === 0) return
    if (performance.now() > until) assert.deepEqual(left, [], what)
    await pause(20)
  }
}

type Owning = Record<'own' | 'owe', (this: Resource, name: string, part: unknown) => unknown>
const owning = Resource.prototype as unknown as Owning

/** What was made to fail. */
export const injected = new Error('made to fail by a test')

/**
 * Runs `work` with a fault of the `n`th part that any resource takes over meanwhile. `'after'`: what comes after it
 * fails. `'close'`: the part fails to close, after it did. Returns the part's name, or null if there were fewer.
 */
export async function withFault(
  n: number,
  when: 'after' | 'close',
  work: () => Promise<void>
): Promise<string | null> {
  const { own, owe } = owning
  let count = 0
  let hit: string | null = null
  const take = (resource: Resource, name: string, close: () => unknown, part?: unknown): unknown => {
    if (++count !== n)
      return part === undefined ? owe.call(resource, name, close) : own.call(resource, name, part)
    hit = name
    if (when === 'after') {
      if (part === undefined) owe.call(resource, name, close)
      else own.call(resource, name, part)
      throw injected
    }
    owe.call(resource, name, async () => {
      await close()
      throw injected
    })
    return part
  }
  owning.own = function (name, part) {
    return take(this, name, () => (part as { close(): unknown }).close(), part)
  }
  owning.owe = function (name, close) {
    return take(this, name, close as () => unknown)
  }
  try {
    await work()
  } finally {
    Object.assign(owning, { own, owe })
  }
  return hit
}
