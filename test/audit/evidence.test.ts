import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import Corestore from 'corestore'
import { writeTrailer } from '../../src/client/evidence-core.js'
import { EvidenceStore } from '../../src/chain/evidence/store.js'
import { walked } from '../evidence/slice-copy.js'
import { remote, run } from './audit-run.js'
import { answer, challenged, forged, hosted, settled, WINDOW_MS, type Hosted } from '../chain/hosted.js'

/** Answers a challenge; returns the entry that settles it. */
async function settle(hosting: Hosted, lie = false): Promise<{ id: number; seq: number; sent: Uint8Array }> {
  const challenge = await challenged(hosting)
  const { copy, chain } = hosting
  const { steps } = await walked(copy.reader, challenge)
  const reader = lie ? forged(copy, steps[0]!.place.index) : copy.reader
  const sent = await answer(hosting, challenge, reader)
  await settled(hosting, challenge.id)
  const { ledger } = chain.network
  let seq = 0
  while (!ledger.effects(seq)!.effects.some((e) => e.kind === 'settled' && e.challenge === challenge.id))
    seq++
  return { id: challenge.id, seq, sent }
}

test('verdicts are worked out again from the evidence, over the network and from the folder of a running chain', async (t) => {
  const hosting = await hosted(t)
  const { chain } = hosting
  const [one, two, lie] = [await settle(hosting), await settle(hosting), await settle(hosting, true)]
  const bytes = one.sent.length + two.sent.length + lie.sent.length
  const evidence = { full: 3, undecided: 0, missing: 0, left: 0, older: 0, bytes }
  for (const target of [remote(chain), [chain.dir]]) {
    const { code, report } = await run(...target)
    assert.deepEqual([code, report.failure, report.evidence], [0, null, evidence])
  }
  const { report } = await run(chain.dir, '--evidence-limit', `${one.sent.length}B`)
  assert.deepEqual(report.evidence, { ...evidence, full: 1, left: 2, bytes: one.sent.length })
  assert.equal((await run(chain.dir, '--structural')).report.evidence, null)
  chain.network.at += WINDOW_MS + 1_000
  await chain.tick()
  const later = (await run(chain.dir)).report.evidence
  assert.deepEqual(later, { ...evidence, full: 0, older: 3, bytes: 0 })
})

test('a chain that settles as a lie what its evidence shows to hold is found out', async (t) => {
  const hosting = await hosted(t)
  const { chain } = hosting
  await settle(hosting)
  chain.lieAbout(({ hash }) => ({
    ok: false,
    lie: true,
    code: 'EVIDENCE_STATE',
    message: 'so it says',
    hash
  }))
  const { seq, id } = await settle(hosting)
  for (const target of [remote(chain), [chain.dir]]) {
    const { code, report } = await run(...target)
    assert.deepEqual([code, report.failure?.seq, report.failure?.code], [1, seq, 'VERDICT_DIFFERS'])
    assert.match(
      report.failure!.reason,
      new RegExp(`challenge ${id}: it was settled as lie, .* says success`)
    )
  }
})

test('evidence that is missing is reported, and what is kept in its place is found out', async (t) => {
  const hosting = await hosted(t)
  const { chain } = hosting
  const { id, seq, sent } = await settle(hosting)
  const { hash } = (await hosting.pinner.findEvidence(id))!
  await chain.stop()
  const subject = { kind: 'answer', id } as const
  /** Keeps something else as the evidence. */
  const keep = async (kept: { hash: Uint8Array } | null, bytes = sent): Promise<void> => {
    const store = new Corestore(join(chain.dir, 'cores'))
    await store.ready()
    const evidence = new EvidenceStore(chain.dir, store, chain.network.chain)
    await evidence.ready()
    await evidence.remove(subject)
    if (kept) await evidence.add({ ...subject, ...kept, at: chain.network.at }, [bytes])
    await evidence.close()
    await store.close()
  }
  const found = async (...args: string[]) => {
    const { code, report } = await run(chain.dir, ...args)
    return [code, report.failure?.seq ?? null, report.failure?.code ?? null, report.evidence!.missing]
  }
  await keep(null)
  assert.deepEqual(await found(), [0, null, null, 1])
  assert.deepEqual(await found('--require-evidence'), [1, seq, 'EVIDENCE_UNAVAILABLE', 1])
  await keep({ hash: Buffer.alloc(32, 1) })
  assert.deepEqual(await found(), [1, seq, 'EVIDENCE_DIFFERS', 0])
  const changed = Buffer.from(sent)
  changed[changed.length - 1]! ^= 1
  await keep({ hash }, changed)
  assert.deepEqual(await found(), [1, seq, 'VERDICT_DIFFERS', 0])
  await keep({ hash }, sent.subarray(0, 3))
  assert.deepEqual(await found(), [1, seq, 'VERDICT_DIFFERS', 0])
  const store = new Corestore(join(chain.dir, 'cores'))
  await store.ready()
  const evidence = new EvidenceStore(chain.dir, store, chain.network.chain)
  await evidence.ready()
  await evidence.remove(subject)
  // A trailer as of this evidence, behind a block that is no piece of any.
  const [start, at] = [evidence.core.length, chain.network.at]
  const place = { start, end: start + 2, bytes: sent.byteLength, at, previous: start }
  await evidence.core.append([Buffer.from('no piece'), writeTrailer({ ...subject, hash, ...place })])
  await evidence.close()
  await store.close()
  assert.deepEqual(await found(), [1, seq, 'EVIDENCE_DAMAGED', 0])
  await keep({ hash })
  assert.deepEqual(await found('--require-evidence'), [0, null, null, 0])
})
