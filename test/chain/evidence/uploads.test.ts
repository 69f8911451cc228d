import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import {
  EvidenceIntake,
  type EvidenceUpload,
  type IntakeLimits
} from '../../../src/client/evidence-intake.js'
import { closeAfter } from '../../helpers/close-after.js'

async function intakeIn(
  t: TestContext,
  limits: IntakeLimits
): Promise<{ intake: EvidenceIntake; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'datdot-intake-'))
  closeAfter(t, () => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'left by an earlier process'), 'x')
  const intake = new EvidenceIntake(folder, limits)
  await intake.ready()
  return { intake, folder }
}

async function partsOf(upload: EvidenceUpload): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of upload.parts()) parts.push(part)
  return Buffer.concat(parts)
}

test('small evidence is received in memory, large on disk, and both are given back', async (t) => {
  const { intake, folder } = await intakeIn(t, { memoryUploadBytes: 100 })
  for (const [bytes, files] of [
    [100, 0],
    [1000, 1]
  ] as const) {
    const sent = Buffer.from(Array.from({ length: bytes }, (_, i) => i))
    const upload = intake.begin(bytes)
    await Promise.all([upload.write(0, sent.subarray(0, 60)), upload.write(60, sent.subarray(60))])
    assert.equal('memory' in (await upload.bytes()), files === 0)
    assert.equal((await readdir(folder)).length, files)
    assert.deepEqual(await partsOf(upload), sent)
    await upload.discard()
    assert.deepEqual(await readdir(folder), [])
  }
})

test('pieces come in order, up to the announced length, until the upload is given up', async (t) => {
  const { intake } = await intakeIn(t, {})
  const upload = intake.begin(10)
  await upload.write(0, Buffer.alloc(4))
  await assert.rejects(upload.bytes(), { code: 'EVIDENCE_INCOMPLETE' })
  await assert.rejects(upload.write(5, Buffer.alloc(1)), { code: 'EVIDENCE_ORDER' })
  await assert.rejects(upload.write(0, Buffer.alloc(4)), { code: 'EVIDENCE_ORDER' })
  await assert.rejects(upload.write(4, Buffer.alloc(7)), { code: 'EVIDENCE_TOO_LARGE' })
  await upload.write(4, Buffer.alloc(6))
  await upload.bytes()
  await upload.discard()
  await assert.rejects(upload.write(10, Buffer.alloc(0)), { code: 'EVIDENCE_UPLOAD' })
})

test('memory, disk and the number of uploads have limits, and are given back', async (t) => {
  const { intake } = await intakeIn(t, {
    memoryUploadBytes: 100,
    memoryBytes: 150,
    diskBytes: 1000,
    uploads: 3
  })
  const first = intake.begin(100)
  await first.write(0, Buffer.alloc(100))
  // No room in memory for a second one: it goes to disk, which then has 900 left.
  const second = intake.begin(100)
  await second.write(0, Buffer.alloc(100))
  assert.equal('path' in (await second.bytes()), true)
  assert.throws(() => intake.begin(1001), { code: 'CHAIN_BUSY' })
  const third = intake.begin(901)
  await assert.rejects(third.write(0, Buffer.alloc(901)), { code: 'CHAIN_BUSY' })
  await third.write(0, Buffer.alloc(900))
  assert.throws(() => intake.begin(1), { code: 'CHAIN_BUSY' })
  await Promise.all([first.discard(), first.discard(), third.discard()])
  const fourth = intake.begin(100)
  await fourth.write(0, Buffer.alloc(100))
  assert.equal('memory' in (await fourth.bytes()), true)
  await intake.close()
})

test('who announces and sends nothing takes no room from who sends', async (t) => {
  const { intake } = await intakeIn(t, {
    memoryBytes: 100,
    memoryUploadBytes: 10,
    diskBytes: 1_000,
    uploads: 64
  })
  const idle = Array.from({ length: 64 }, () => intake.begin(900, 'idle'))
  const upload = intake.begin(1_000, 'honest')
  await upload.write(0, Buffer.alloc(1_000))
  assert.equal(upload.complete, true)
  // Its place was that of the one that was silent for longest.
  await assert.rejects(idle[0]!.write(0, Buffer.alloc(1)), { code: 'EVIDENCE_UPLOAD' })
  await assert.rejects(idle[1]!.write(0, Buffer.alloc(1)), { code: 'CHAIN_BUSY' })
  await intake.close()
})

test('who holds most makes room for the others, and nobody for who holds as much itself', async (t) => {
  const { intake } = await intakeIn(t, { memoryUploadBytes: 0, diskBytes: 1_000 })
  const large = [intake.begin(900, 'a'), intake.begin(900, 'a')]
  await large[0]!.write(0, Buffer.alloc(500))
  await large[1]!.write(0, Buffer.alloc(500))
  const other = intake.begin(600, 'b')
  await other.write(0, Buffer.alloc(400))
  await assert.rejects(large[0]!.write(500, Buffer.alloc(1)), { code: 'EVIDENCE_UPLOAD' })
  await assert.rejects(other.write(400, Buffer.alloc(200)), { code: 'CHAIN_BUSY' })
  await large[1]!.write(500, Buffer.alloc(100))
  await intake.close()
})
