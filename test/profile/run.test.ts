import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { EndProcess } from '../../src/profile/end-process.js'
import { Run } from '../../src/profile/run.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'
import { closeAfter } from '../helpers/close-after.js'

const CHUNK_BYTES = 16 << 10

test('bytes are measured on their way from signer to pinner to reader, and files are what they are made of', async (t) => {
  const network = await privateDht(t)
  const dir = temporaryFolder(t)
  const path = join(dir, 'input')
  writeFileSync(path, Buffer.alloc(100_000, 'words'))
  const run = new Run({
    network,
    dir,
    input: { kind: 'path', path },
    chunkBytes: CHUNK_BYTES,
    threads: 1,
    durationMs: 300,
    clock: systemClock,
    signal: new AbortController().signal
  })
  const raw = await run.raw()
  assert.ok(raw.from.bytes > 0 && raw.to.bytes === raw.from.bytes)

  // What the file lacks is taken again from its beginning.
  const { bytes, chunks, handOver, serve } = await run.codec('wrap', 1 << 20)
  assert.ok(bytes >= 1 << 20 && bytes < (1 << 20) + CHUNK_BYTES)
  assert.equal(chunks, 10 * Math.ceil(100_000 / CHUNK_BYTES) + 3)
  for (const use of [handOver.from, handOver.to, serve.to]) {
    assert.equal(use.bytes, bytes)
    assert.ok(use.cpuMs > 0 && use.wallMs > 0)
  }
  const stagesOf = ({ stages }: typeof handOver.from) => stages.map(({ stage }) => stage)
  for (const stage of ['key wrap', 'cipher', 'hash', 'tree', 'send'])
    assert.ok(stagesOf(handOver.from).includes(stage), stage)
  for (const stage of ['verify', 'cipher', 'original hash', 'tree', 'receive'])
    assert.ok(stagesOf(handOver.to).includes(stage), stage)
  assert.ok(stagesOf(serve.from).includes('decode'))
})

test('an end that fails says why, and one that says nothing is given up', async (t) => {
  const network = await privateDht(t)
  const dir = temporaryFolder(t)
  writeFileSync(join(dir, 'file'), '')
  const options = { network, seed: '00'.repeat(32), dir: join(dir, 'file'), name: 'original' }
  const end = await opened(new EndProcess({ end: 'seeder', options, clock: systemClock }))
  closeAfter(t, () => end.close())
  await assert.rejects(end.heard('ready', 60_000), { code: 'PROFILE_END', message: /the seeder/ })

  const given = { network, key: 'ab'.repeat(32) }
  const sink = await opened(new EndProcess({ end: 'raw-sink', options: given, clock: systemClock }))
  closeAfter(t, () => sink.close())
  await assert.rejects(sink.heard('use', 50), { code: 'PROFILE_END', message: /within 50 ms/ })
})
