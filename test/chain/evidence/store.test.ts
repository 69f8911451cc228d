import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Corestore from 'corestore'
import { EvidenceStore } from '../../../src/chain/evidence/store.js'
import { readTrailer, type EvidenceSubject } from '../../../src/client/evidence-core.js'
import { keyPairFromSeed } from '../../../src/crypto/keys.js'
import { closeAfter } from '../../helpers/close-after.js'

const keyPair = keyPairFromSeed(Buffer.alloc(32, 9))

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'datdot-evidence-'))
  closeAfter(t, () => rm(path, { recursive: true, force: true }))
  return path
}

async function open(path: string): Promise<EvidenceStore & { shut(): Promise<void> }> {
  const store = new Corestore(join(path, 'cores'))
  await store.ready()
  const evidence = new EvidenceStore(path, store, keyPair)
  await evidence.ready()
  return Object.assign(evidence, {
    shut: async () => {
      await evidence.close()
      await store.close()
    }
  })
}

async function bytesOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const out: Uint8Array[] = []
  for await (const part of parts) out.push(part)
  return Buffer.concat(out)
}

const answer = (id: number): EvidenceSubject => ({ kind: 'answer', id })
const hash = (fill: number): Buffer => Buffer.alloc(32, fill)

test('evidence is read back as it was given, however it was cut', async (t) => {
  const evidence = await open(await folder(t))
  closeAfter(t, () => evidence.shut())
  const large = Buffer.alloc(3_000_000, 'large')
  await Promise.all([
    evidence.add({ ...answer(1), hash: hash(1), at: 10 }, [large.subarray(0, 7), large.subarray(7)]),
    evidence.add({ ...answer(2), hash: hash(2), at: 20 }, [Buffer.from('small')])
  ])
  assert.deepEqual(await bytesOf(evidence.read(answer(1))), large)
  assert.equal((await bytesOf(evidence.read(answer(2)))).toString(), 'small')
  assert.deepEqual(evidence.find(answer(2))?.hash, hash(2))
  await assert.rejects(bytesOf(evidence.read(answer(3))), { code: 'EVIDENCE_UNKNOWN' })
  await assert.rejects(evidence.add({ ...answer(2), hash: hash(3), at: 21 }, []), { code: 'EVIDENCE_KNOWN' })
})

test('a table that is damaged or gone is made again from the core', async (t) => {
  const path = await folder(t)
  const table = join(path, 'evidence.db')
  const first = await open(path)
  for (const n of [1, 2, 3])
    await first.add({ ...answer(n), hash: hash(n), at: n }, [Buffer.alloc(50_000, n)])
  await first.remove(answer(2))
  await first.shut()
  const whole = await readFile(table)
  const damages: Record<string, Buffer> = {
    empty: Buffer.alloc(0),
    cut: whole.subarray(0, whole.byteLength >> 1),
    'of something else': Buffer.alloc(whole.byteLength, 'no table')
  }
  for (const [name, bytes] of Object.entries(damages)) {
    await writeFile(table, bytes)
    const again = await open(path)
    assert.deepEqual(await bytesOf(again.read(answer(3))), Buffer.alloc(50_000, 3), name)
    assert.deepEqual(again.find(answer(1))?.hash, hash(1), name)
    assert.equal(again.find(answer(2)), undefined, name)
    await again.shut()
  }
})

test('evidence older than the window is forgotten, newer stays', async (t) => {
  const evidence = await open(await folder(t))
  closeAfter(t, () => evidence.shut())
  for (const n of [1, 2, 3]) {
    await evidence.add({ ...answer(n), hash: hash(n), at: n * 10 }, [Buffer.alloc(100, n)])
  }
  assert.equal(await evidence.prune(20), 1)
  assert.equal(evidence.find(answer(1)), undefined)
  assert.equal(await evidence.core.has(0), false)
  assert.deepEqual(await bytesOf(evidence.read(answer(2))), Buffer.alloc(100, 2))
})

test('the table of evidence is rebuilt from the core, without what was never finished', async (t) => {
  const path = await folder(t)
  const before = await open(path)
  await before.add({ ...answer(1), hash: hash(1), at: 10 }, [Buffer.alloc(1000, 1)])
  await before.prune(11)
  await before.add({ ...answer(2), hash: hash(2), at: 20 }, [Buffer.alloc(600_000, 2)])
  // What a process that dies while it stores leaves behind: pieces without a trailer.
  await before.core.append([Buffer.alloc(100), Buffer.alloc(100)])
  const unfinished = before.core.length - 1
  await before.shut()
  for (const name of ['evidence.db', 'evidence.db-wal', 'evidence.db-shm'])
    await rm(join(path, name), { force: true })

  const after = await open(path)
  closeAfter(t, () => after.shut())
  assert.equal(after.find(answer(1)), undefined)
  assert.deepEqual(await bytesOf(after.read(answer(2))), Buffer.alloc(600_000, 2))
  assert.equal(await after.core.has(unfinished), false)
  await after.add({ ...answer(3), hash: hash(3), at: 30 }, [Buffer.from('next')])
  assert.equal((await bytesOf(after.read(answer(3)))).toString(), 'next')
})

test('a challenge and a draw of the same number have each their own evidence, also after a rebuild', async (t) => {
  const path = await folder(t)
  const before = await open(path)
  const refusal: EvidenceSubject = { kind: 'refusal', id: 1 }
  await before.add({ ...answer(1), hash: hash(1), at: 10 }, [Buffer.from('an answer')])
  await before.add({ ...refusal, hash: hash(2), at: 20 }, [Buffer.from('a refusal')])
  await before.shut()
  for (const name of ['evidence.db', 'evidence.db-wal', 'evidence.db-shm'])
    await rm(join(path, name), { force: true })
  const after = await open(path)
  closeAfter(t, () => after.shut())
  assert.equal((await bytesOf(after.read(answer(1)))).toString(), 'an answer')
  assert.equal((await bytesOf(after.read(refusal))).toString(), 'a refusal')
  assert.deepEqual(after.find(refusal)?.hash, hash(2))
  await after.remove(answer(1))
  assert.equal(after.find(answer(1)), undefined)
  assert.equal((await bytesOf(after.read(refusal))).toString(), 'a refusal')
})

test('evidence whose source fails leaves nothing behind', async (t) => {
  const evidence = await open(await folder(t))
  closeAfter(t, () => evidence.shut())
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(4 << 20)
    throw new Error('the disk went away')
  }
  await assert.rejects(evidence.add({ ...answer(1), hash: hash(1), at: 1 }, broken()), /went away/)
  assert.equal(evidence.find(answer(1)), undefined)
  for (let at = 0; at < evidence.core.length; at++) assert.equal(await evidence.core.has(at), false)
})

test('from the last trailer each one before it is found, past what was removed and what was never finished', async (t) => {
  const path = await folder(t)
  const evidence = await open(path)
  closeAfter(t, () => evidence.shut())
  for (const n of [1, 2, 3]) {
    await evidence.add({ ...answer(n), hash: hash(n), at: n }, [Buffer.alloc(600_000, n)])
    await evidence.core.append(Buffer.alloc(100))
    await evidence.core.clear(evidence.core.length - 1)
  }
  await evidence.remove(answer(2))
  await evidence.add({ ...answer(2), hash: hash(4), at: 4 }, [Buffer.alloc(10)])
  const found: [number, Uint8Array][] = []
  for (let end = evidence.core.length; end > 0;) {
    const record = readTrailer((await evidence.core.get(end - 1))!, end - 1)!
    found.push([record.id, record.hash])
    end = record.previous
  }
  assert.deepEqual(found, [
    [2, hash(4)],
    [3, hash(3)],
    [2, hash(2)],
    [1, hash(1)]
  ])
})
