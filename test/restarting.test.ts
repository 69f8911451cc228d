import assert from 'node:assert/strict'
import { test } from 'node:test'
import { opened, Resource } from '../src/lifecycle.js'
import { createLogger } from '../src/log.js'
import { Restarting } from '../src/restarting.js'
import { closeAfter } from './helpers/close-after.js'
import { VirtualClock } from './helpers/virtual-clock.js'

/** A part that opens or not, as it is told. */
class Part extends Resource {
  constructor(
    readonly number: number,
    readonly broken: (error: Error) => void,
    readonly mayOpen: () => boolean
  ) {
    super()
  }

  protected start(): Promise<void> {
    return this.mayOpen() ? Promise.resolve() : Promise.reject(new Error(`part ${this.number} does not open`))
  }
}

function restarting() {
  const clock = new VirtualClock()
  const parts: Part[] = []
  const again: number[] = []
  const events: string[] = []
  const disk = { well: true }
  const whole = new Restarting({
    make: (broken) => {
      const part = new Part(parts.length, broken, () => disk.well)
      parts.push(part)
      return part
    },
    again: (part) => Promise.resolve(void again.push(part.number)),
    clock,
    log: createLogger(
      (line) => events.push((JSON.parse(line) as { event: string }).event),
      () => clock.wall()
    )
  })
  return { clock, parts, again, events, disk, whole }
}

test('a part that says that it is broken is closed, and another one takes its place', async (t) => {
  const { clock, parts, again, events, whole } = restarting()
  await opened(whole)
  closeAfter(t, () => whole.close())
  assert.equal(whole.part, parts[0])
  parts[0]!.broken(new Error('no more'))
  assert.equal(whole.trouble?.message, 'no more')
  // Said twice, it is opened again once.
  parts[0]!.broken(new Error('no more'))
  await clock.advance(10)
  assert.equal(whole.part, parts[1])
  assert.equal(parts.length, 2)
  assert.ok(parts[0]!.closed)
  assert.equal(whole.trouble, null)
  assert.deepEqual(again, [1])
  assert.deepEqual(events, ['role.reopening', 'role.reopened'])
})

test('a part that cannot be opened again is tried with growing pauses until it can', async (t) => {
  const { clock, parts, disk, whole } = restarting()
  await opened(whole)
  closeAfter(t, () => whole.close())
  disk.well = false
  parts[0]!.broken(new Error('no more'))
  await clock.advance(20_000)
  const tries = parts.length
  assert.ok(tries > 3 && tries < 9, `${tries} tries in 20 s`)
  assert.match(whole.trouble!.message, /does not open/)
  disk.well = true
  await clock.advance(60_000)
  assert.equal(whole.trouble, null)
  assert.equal(whole.part, parts.at(-1))
  assert.ok(parts.slice(0, -1).every(({ signal }) => signal.aborted))
})

test('what closes while it is opened again leaves nothing open', async () => {
  const { parts, disk, whole } = restarting()
  await opened(whole)
  disk.well = false
  parts[0]!.broken(new Error('no more'))
  await whole.close()
  assert.ok(parts.every(({ signal }) => signal.aborted))
})

test('what the first part does not open of is told at once', async () => {
  const { disk, whole } = restarting()
  disk.well = false
  await assert.rejects(whole.ready(), /part 0 does not open/)
})
