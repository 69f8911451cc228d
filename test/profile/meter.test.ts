import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { Engine } from '../../src/engine/engine.js'
import { startWorkers } from '../../src/profile/ends/stages.js'
import { Meter } from '../../src/profile/meter.js'
import { wrapSegment } from '../engine/fixtures.js'
import { closeAfter } from '../helpers/close-after.js'

test('CPU time is told apart by main thread and workers', async (t) => {
  const engine = new Engine({ threads: 1 })
  closeAfter(t, () => engine.close())
  const meter = new Meter(systemClock)
  await startWorkers(engine, meter)
  meter.begin()
  const chunk = Buffer.alloc(64 << 10, 1)
  for await (const { count } of engine.encode(Array<Buffer>(200).fill(chunk), {
    segment: wrapSegment(),
    start: 0
  })) {
    meter.add(count * chunk.byteLength)
  }
  const use = meter.end()
  assert.equal(use.bytes, 200 * chunk.byteLength)
  assert.ok(use.threads.main > 0)
  if (existsSync('/proc/self/task')) assert.ok(use.threads.workers > 0)
  assert.ok(use.loop >= 0 && use.loop <= 1)
  assert.equal(use.samples.at(-1)!.bytes, use.bytes)
})
