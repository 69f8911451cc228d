import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { TroubledInputs } from '../../../src/chain/evidence/troubled.js'
import { EngineError } from '../../../src/errors.js'
import { closeAfter } from '../../helpers/close-after.js'
import { answer, challenged, hosted, settled } from '../hosted.js'

function upload(bytes: Uint8Array): {
  byteLength: number
  parts: () => AsyncGenerator<Uint8Array, void, void>
} {
  const parts = async function* (): AsyncGenerator<Uint8Array, void, void> {
    yield bytes
    await Promise.resolve()
  }
  return { byteLength: bytes.byteLength, parts }
}

test('evidence that no thread comes to the end of is kept and logged, and its challenge becomes unknown', async (t) => {
  const verify = (tasks: unknown[]): Promise<EngineError[]> =>
    Promise.resolve(tasks.map(() => new EngineError('ENGINE_TIMEOUT', 'made by the test')))
  const settleGraceMs = 5_000
  const hosting = await hosted(t, {}, { verify, rules: { settleGraceMs } })
  const { chain, copy } = hosting
  const challenge = await challenged(hosting)
  const evidence = await answer(hosting, challenge, copy.reader)
  while (chain.service.time() <= challenge.evidenceBy + settleGraceMs) await chain.tick()
  await chain.tick()
  assert.equal((await settled(hosting, challenge.id)).outcome, 'unknown')
  const logged = (): string | undefined =>
    chain.lines
      .map((text) => JSON.parse(text) as { event: string; file?: string })
      .find(({ event }) => event === 'chain.evidence-trouble')?.file
  const file = await chain.until('it is logged', () => Promise.resolve(logged()), false)
  assert.ok(file.endsWith(`challenge-${challenge.id}.bin`), file)
  assert.deepEqual(await readFile(file), Buffer.from(evidence))
})

test('no more is kept than 16 files and 64 MiB, whatever strangers send', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'datdot-troubled-'))
  closeAfter(t, () => rm(folder, { recursive: true, force: true }))
  const large = new TroubledInputs(join(folder, 'large'))
  const half = upload(new Uint8Array(new SharedArrayBuffer(33 << 20)))
  assert.ok(await large.add('one', half))
  assert.equal(await large.add('two', half), null)
  const many = new TroubledInputs(join(folder, 'many'))
  const files = await Promise.all(
    Array.from({ length: 20 }, (_, i) => many.add(`challenge ${i}`, upload(Buffer.of(i))))
  )
  assert.equal(files.filter((file) => file !== null).length, 16)
  assert.equal((await readdir(join(folder, 'many'))).length, 16)
})

test('a disk that takes nothing costs the copy of an input and no more', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'datdot-troubled-'))
  closeAfter(t, () => rm(folder, { recursive: true, force: true }))
  const broken = async function* (): AsyncGenerator<Uint8Array, void, void> {
    yield Buffer.alloc(10)
    await Promise.reject(new Error('the disk broke'))
  }
  const kept = new TroubledInputs(folder)
  assert.equal(await kept.add('one', { byteLength: 20, parts: broken }), null)
  assert.deepEqual(await readdir(folder), [])
  assert.ok(await kept.add('two', upload(Buffer.alloc(3))))
})
