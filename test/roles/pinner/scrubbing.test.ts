import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '../../../src/log.js'
import type { MemberOptions } from '../../../src/roles/member.js'
import { keepScrubbing } from '../../../src/roles/pinner/scrubbing.js'
import { closeAfter } from '../../helpers/close-after.js'
import { temporaryFolder } from '../../helpers/folder.js'
import { VirtualClock } from '../../helpers/virtual-clock.js'

const DAY_MS = 86_400_000
const PIECE_BYTES = 1 << 20

/** A store of four pieces that is read every seven days, on virtual time; `dir` is the pinner's. */
function scrubbing(t: TestContext, dir: string, clock = new VirtualClock()) {
  const stop = new AbortController()
  const seen = { began: 0, times: [] as number[], log: [] as string[] }
  const store = {
    async scrub({ rest }: { rest?: (bytes: number) => Promise<unknown> } = {}) {
      seen.began++
      for (let n = 0; n < 4; n++) await rest!(PIECE_BYTES)
      seen.times.push(clock.now())
      return { chunks: 4, bytes: 4 * PIECE_BYTES, lost: 0, unproven: 0 }
    }
  }
  const log = createLogger(
    (line) => seen.log.push((JSON.parse(line) as { event: string }).event),
    () => 0
  )
  let waiting = 0
  const counted = {
    wall: () => clock.wall(),
    now: () => clock.now(),
    every: (ms: number, call: () => void) => clock.every(ms, call),
    after: (ms: number, call: () => void) => {
      waiting++
      return clock.after(ms, () => {
        waiting--
        call()
      })
    }
  }
  const options = { dir, clock: counted } as unknown as MemberOptions
  const running = keepScrubbing({ options, signal: stop.signal, log }, store, 7 * DAY_MS)
  const end = async (): Promise<void> => {
    stop.abort()
    await running
  }
  closeAfter(t, end)
  /** What takes real time of the disk comes to its end: then it waits for virtual time. */
  const atRest = async (): Promise<void> => {
    for (let n = 0; waiting === 0; n++) {
      assert.ok(n < 2_000, 'it never waited')
      await sleep(5)
    }
  }
  const advance = async (ms: number): Promise<void> => {
    await atRest()
    await clock.advance(ms)
    await atRest()
  }
  return { clock, seen, end, advance }
}

test('all is read every seven days, at four pieces of a MiB a second, also over a restart', async (t) => {
  const dir = temporaryFolder(t)
  const first = scrubbing(t, dir)
  await first.advance(6 * DAY_MS)
  assert.equal(first.seen.began, 0)
  await first.end()

  const { seen, advance } = scrubbing(t, dir, first.clock)
  await advance(DAY_MS)
  assert.equal(seen.began, 1)
  await advance(999)
  assert.deepEqual(seen.times, [])
  await advance(1)
  assert.deepEqual(seen.times, [7 * DAY_MS + 1_000])
  assert.deepEqual(seen.log, ['pinner.scrubbed'])
  await advance(7 * DAY_MS)
  await advance(1_000)
  assert.equal(seen.times.length, 2)
})

test('a note of the last time that is none, or lies ahead, begins anew', async (t) => {
  for (const text of ['', 'soon', '99999999999999999']) {
    const dir = temporaryFolder(t)
    writeFileSync(join(dir, 'scrubbed'), text)
    const { seen, advance, end } = scrubbing(t, dir)
    await advance(7 * DAY_MS - 1)
    assert.equal(seen.began, 0, text)
    await advance(1)
    assert.equal(seen.began, 1, text)
    await end()
  }
})
