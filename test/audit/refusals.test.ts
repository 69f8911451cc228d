import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import Corestore from 'corestore'
import { EvidenceStore } from '../../src/chain/evidence/store.js'
import type { RefusalVerdict } from '../../src/evidence/refusal-judge.js'
import { remote, run } from './audit-run.js'
import { BAD, delivered, judged, refuse, source, verdictIn, type Delivered } from '../chain/refused.js'

/** Refuses with evidence against one chunk and has it judged. */
async function refused(of: Delivered, index: number): Promise<Uint8Array> {
  const sent = await of.evidence(index)
  await refuse(of, sent)
  await of.pinner.sendRefusalEvidence(of.draw, source(sent))
  await judged(of)
  return sent
}

for (const [index, name] of [
  [BAD, 'upheld'],
  [BAD + 1, 'not upheld']
] as const) {
  test(`a refusal that was ${name} is judged again, over the network and beside the ledger`, async (t) => {
    const of = await delivered(t)
    const sent = await refused(of, index)
    const evidence = { full: 1, undecided: 0, missing: 0, left: 0, older: 0, bytes: sent.byteLength }
    for (const target of [remote(of.chain), [of.chain.dir]]) {
      const { code, report } = await run(...target)
      assert.deepEqual([code, report.failure, report.evidence], [0, null, evidence])
    }
    const limited = (await run(of.chain.dir, '--evidence-limit', '10B')).report
    assert.deepEqual(limited.evidence, { ...evidence, full: 0, left: 1, bytes: 0 })
  })
}

test('a chain that judges otherwise than the evidence says is found out', async (t) => {
  for (const upheld of [true, false]) {
    const said: RefusalVerdict = { upheld, named: true, code: 'REFUSAL_UNFOUNDED', message: 'so it says' }
    const of = await delivered(t, { judge: () => Promise.resolve(said) })
    await refused(of, upheld ? BAD + 1 : BAD)
    const { seq } = verdictIn(of)!
    for (const target of [remote(of.chain), [of.chain.dir]]) {
      const { code, report } = await run(...target)
      assert.deepEqual([code, report.failure?.seq, report.failure?.code], [1, seq, 'VERDICT_DIFFERS'])
      const why = upheld ? 'REFUSAL_UNFOUNDED' : 'CODEC_SIGNATURE'
      assert.ok(
        report.failure!.reason.startsWith(`refusal of draw ${of.draw}: it was ${upheld ? '' : 'not '}upheld`)
      )
      assert.ok(report.failure!.reason.includes(why))
    }
  }
})

test('evidence of a verdict that is missing is reported, and what is kept in its place is found out', async (t) => {
  const of = await delivered(t)
  const { chain, draw } = of
  const sent = await refused(of, BAD)
  const { seq } = verdictIn(of)!
  const { hash } = (await of.pinner.findRefusalEvidence(draw))!
  await chain.stop()
  const keep = async (bytes: Uint8Array | null): Promise<void> => {
    const store = new Corestore(join(chain.dir, 'cores'))
    await store.ready()
    const evidence = new EvidenceStore(chain.dir, store, chain.network.chain)
    await evidence.ready()
    const subject = { kind: 'refusal', id: draw } as const
    await evidence.remove(subject)
    if (bytes) await evidence.add({ ...subject, hash, at: chain.network.at }, [bytes])
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
  await keep(await of.evidence(BAD + 1))
  assert.deepEqual(await found(), [1, seq, 'EVIDENCE_DIFFERS', 0])
  await keep(Buffer.alloc(0))
  assert.deepEqual(await found(), [1, seq, 'EVIDENCE_DIFFERS', 0])
  await keep(sent)
  assert.deepEqual(await found('--require-evidence'), [0, null, null, 0])
})

test('a refusal that was not upheld since its evidence never came holds: there is nothing to be missed', async (t) => {
  const of = await delivered(t)
  await refuse(of, await of.evidence(BAD))
  await of.chain.until('it is judged', () => verdictIn(of))
  const { code, report } = await run(of.chain.dir, '--require-evidence')
  const evidence = { full: 0, undecided: 0, missing: 0, left: 0, older: 0, bytes: 0 }
  assert.deepEqual([code, report.failure, report.evidence], [0, null, evidence])
})
