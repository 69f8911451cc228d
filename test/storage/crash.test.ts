import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { crashBlock, crashSegment } from './crash-segment.js'
import { connect, openStore, stockStore, tempDir } from './support.js'
import { closeAfter } from '../helpers/close-after.js'

const holder = fileURLToPath(new URL('./holder.js', import.meta.url))

for (const moment of [3, 45, 87, 'finishing', 'finished'] as const) {
  test(`a process killed at ${moment} loses nothing that it had acknowledged`, async (t) => {
    const dir = await tempDir(t)
    const child = fork(holder, ['ingest', dir])
    closeAfter(t, () => child.kill('SIGKILL'))
    let acknowledged = 0
    child.on('message', (message: unknown) => {
      if (typeof message === 'number') acknowledged = message
      if (message === moment) child.kill('SIGKILL')
    })
    await once(child, 'exit')

    const store = await openStore(t, dir)
    const { spec, blocks } = crashSegment()
    const [segment] = store.segments(spec.key)
    if (moment === 'finished') assert.equal(segment!.state, 'held')
    if (segment!.state === 'pending') {
      const ingest = await store.beginSegment(spec)
      assert.ok(ingest.position >= acknowledged, `${ingest.position} of ${acknowledged}`)
      const whole = blocks(0, ingest.position).reduce((sum, block) => sum + block.encoded.byteLength, 0)
      assert.equal(store.usedBytes, whole)
      await ingest.append(blocks(ingest.position, spec.end))
      await ingest.finish()
    }
    const consumer = await stockStore(t)
    connect(t, store.corestore, consumer)
    const copy = consumer.get({ key: spec.key })
    for (let i = 0; i < spec.length; i++) assert.deepEqual(await copy.get(i), crashBlock(i))
  })
}
