import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { CALLS, TASKS_PER_CALL } from '../../src/chain/evidence/answers.js'
import type { VerifyTask } from '../../src/evidence/tasks.js'
import { buildEvidence, joinOriginal, type ProofReader } from '../../src/evidence/format.js'
import { walk, type CopyReader, type WalkChallenge } from '../../src/evidence/walk.js'
import { codecOf } from '../../src/chunk/codecs.js'
import { hash } from '../../src/crypto/hash.js'
import { Engine } from '../../src/engine/engine.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import { encodeProof, proveBatch } from '../../src/merkle/proof.js'
import { MemoryTree, locate, rootOf } from '../../src/merkle/reader.js'
import {
  OriginalTreeBuilder as OriginalTree,
  encodeOriginalProof,
  originalLeaf,
  proofIndices,
  type OriginalNode
} from '../../src/protocol/original-tree.js'
import { chunkAt, encodedChunks, plainChunks, wrapSegment } from '../data.js'
import type { Suite } from '../harness.js'
import type { BareAnswers } from '../threads/answers.js'
import type { Tasks } from '../../workers/tasks.js'

const CHUNK_BYTES = 64 * 1024
const STEPS = 8
/** Chunks of the challenged copy, and different challenges to it: together more than any cache holds. */
const CHUNKS = 1024
const ANSWERS = 64
const RUN_ANSWERS = 4096

/** Checking answers to storage challenges on worker threads, beside the primitives that it cannot do without. */
export const answers: Suite = async ({ cores, compare }) => {
  const threads = Math.min(2, cores)
  const { tasks, evidences, chunkBytes } = await answersOfCopy()
  const engine = new Engine<Tasks>({ threads })
  const next = new Int32Array(new SharedArrayBuffer(4))
  const workerData: BareAnswers = { evidences, steps: STEPS, chunkBytes, next }
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('../threads/answers.js', import.meta.url), { workerData })
  )
  await Promise.all(workers.map((worker) => once(worker, 'message')))

  // As the chain has them checked: so many answers a call, so many calls at a time.
  const subject = async (): Promise<void> => {
    let from = 0
    const calls = async (): Promise<void> => {
      while (from < RUN_ANSWERS) {
        const batch = Array.from({ length: TASKS_PER_CALL }, (_, i) => tasks[(from + i) % ANSWERS]!)
        from += TASKS_PER_CALL
        for (const verdict of await engine.call('verify-evidence', batch)) {
          if (!verdict.ok) throw new Error(verdict.code)
        }
      }
    }
    await Promise.all(Array.from({ length: CALLS }, calls))
  }
  const bare = async (): Promise<void> => {
    Atomics.store(next, 0, 0)
    const done = workers.map((worker) => once(worker, 'message'))
    for (const worker of workers) worker.postMessage(RUN_ANSWERS)
    await Promise.all(done)
  }
  const work = { chunks: RUN_ANSWERS * STEPS, operations: RUN_ANSWERS }
  await compare({
    suite: 'chain',
    chunkBytes: CHUNK_BYTES,
    threads,
    contenders: [
      { name: `verify storage answer, k = ${STEPS}`, role: 'subject', run: subject, ...work },
      { name: 'bare primitives', role: 'ceiling', run: bare, ...work }
    ]
  })
  await engine.close()
  await Promise.all(workers.map((worker) => worker.terminate()))
}

/** Real answers to challenges of a copy in memory. */
async function answersOfCopy(): Promise<{
  tasks: VerifyTask[]
  evidences: Uint8Array[]
  chunkBytes: number
}> {
  const segment = wrapSegment()
  const plain = plainChunks(CHUNK_BYTES, CHUNKS)
  const encoded = encodedChunks(plain, segment)
  const tree = new MemoryTree()
  const builder = new TreeBuilder((records) => tree.append(records))
  const original = new OriginalTree()
  const nodes = new Map<number, OriginalNode>()
  for (let i = 0; i < CHUNKS; i++) {
    builder.appendLeaf(leafNode(chunkAt(encoded, i), codecOf('wrap').headerBytes))
    const block = chunkAt(plain, i)
    for (const node of original.appendLeaf(block.byteLength, originalLeaf(block))) nodes.set(node.index, node)
  }
  const reader: CopyReader & ProofReader = {
    find: async (_, offset) => (await locate(tree, offset)).index,
    chunk: (_, index) => chunkAt(encoded, index),
    leaf: (_, index) => leafNode(chunkAt(encoded, index), codecOf('wrap').headerBytes),
    batchProof: async (_, indices) => encodeProof(await proveBatch(tree, indices)),
    originalProof(_, index) {
      const { siblings, roots } = proofIndices(index, CHUNKS)
      const at = (i: number): OriginalNode => nodes.get(i)!
      return joinOriginal(CHUNKS, encodeOriginalProof(Buffer.alloc(0), siblings.map(at), roots.map(at)))
    }
  }
  const root = await rootOf(tree)
  const { codec, id, publicKey, salt } = segment
  const walked = { codec, id, publicKey, salt, start: 0, chunks: CHUNKS, bytes: root.bytes, root: root.hash }
  const segments = [{ ...walked, treeHash: original.hash() }]
  const tasks: VerifyTask[] = []
  const evidences: Uint8Array[] = []
  for (let n = 0; tasks.length < ANSWERS; n++) {
    // Of memory of its own, like what the ledger reads: threads are sent all of the memory that a view is of.
    const seed = new Uint8Array(hash('bench/challenge', n))
    const challenge: WalkChallenge = { seed, steps: STEPS, segments }
    const steps = await walk(reader, challenge)
    // Only walks without a chunk met twice, so that all answers weigh the same.
    if (new Set(steps.map(({ index }) => index)).size < STEPS) continue
    const evidence = await buildEvidence(reader, challenge, steps)
    const memory = new Uint8Array(new SharedArrayBuffer(evidence.byteLength))
    let at = 0
    for await (const part of evidence.parts()) {
      memory.set(part, at)
      at += part.byteLength
    }
    evidences.push(memory)
    tasks.push({ challenge, lastState: new Uint8Array(steps.at(-1)!.state), evidence: { memory } })
  }
  return { tasks, evidences, chunkBytes: encoded.chunkBytes }
}
