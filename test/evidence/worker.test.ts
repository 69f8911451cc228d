import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import Corestore from 'corestore'
import type { VerifyTask } from '../../src/evidence/tasks.js'
import { buildEvidence, joinOriginal } from '../../src/evidence/format.js'
import { walk } from '../../src/evidence/walk.js'
import { Engine } from '../../src/engine/engine.js'
import {
  OriginalTreeBuilder,
  encodeOriginalProof,
  originalLeaf,
  proofIndices,
  type OriginalNode
} from '../../src/protocol/original-tree.js'
import { challengeOf, evidenceBytes, makeCopy, type TestCopy } from './copy.js'
import type { Tasks } from '../../workers/tasks.js'

const engine = new Engine<Tasks>({ threads: 1 })
after(() => engine.close())

/** A copy of a real hypercore: its own tree hash, and proofs against it. */
async function copyOfHypercore(sizes: number[], folder: string): Promise<TestCopy> {
  const copy = await makeCopy([sizes])
  const store = new Corestore(folder)
  const core = store.get({ name: 'original' })
  await core.append(copy.blocks)
  const treeHash = await core.treeHash()
  await store.close()
  const nodes = new Map<number, OriginalNode>()
  const builder = new OriginalTreeBuilder()
  for (const block of copy.blocks) {
    for (const node of builder.appendLeaf(block.byteLength, originalLeaf(block))) nodes.set(node.index, node)
  }
  const originalProof = (_: number, index: number): Uint8Array => {
    const { siblings, roots } = proofIndices(index, copy.blocks.length)
    const at = (i: number): OriginalNode => nodes.get(i)!
    return joinOriginal(
      copy.blocks.length,
      encodeOriginalProof(Buffer.alloc(0), siblings.map(at), roots.map(at))
    )
  }
  return {
    ...copy,
    segments: copy.segments.map((segment) => ({ ...segment, treeHash })),
    reader: { ...copy.reader, originalProof }
  }
}

async function answerOf(copy: TestCopy, seed: number): Promise<{ task: VerifyTask; bytes: Buffer }> {
  const challenge = challengeOf(copy, 5, seed)
  const steps = await walk(copy.reader, challenge)
  const bytes = await evidenceBytes(await buildEvidence(copy.reader, challenge, steps))
  const memory = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
  memory.set(bytes)
  return { task: { challenge, lastState: steps.at(-1)!.state, evidence: { memory } }, bytes }
}

test('a worker checks answers against the original hypercore, from memory and from a file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'datdot-worker-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const copy = await copyOfHypercore([900, 20, 70_000, 1, 333, 4096, 15], join(folder, 'store'))
  const answers = await Promise.all([1, 2, 3].map((seed) => answerOf(copy, seed)))
  const path = join(folder, 'evidence')
  await writeFile(path, answers[1]!.bytes)
  answers[1]!.task.evidence = { path, byteLength: answers[1]!.bytes.byteLength }
  // The third claims another original.
  const { challenge } = answers[2]!.task
  answers[2]!.task.challenge = {
    ...challenge,
    segments: challenge.segments.map((segment) => ({ ...segment, treeHash: Buffer.alloc(32, 1) }))
  }
  const verdicts = await engine.call(
    'verify-evidence',
    answers.map(({ task }) => task)
  )
  assert.deepEqual(
    verdicts.map((verdict) => (verdict.ok ? 'ok' : verdict.code)),
    ['ok', 'ok', 'ORIGINAL_PROOF_HASH']
  )
  const [first] = verdicts
  assert.ok(first!.ok && Buffer.compare(first!.states.subarray(-32), answers[0]!.task.lastState) === 0)
  assert.equal(verdicts[2]!.hash?.byteLength, 32)
})
