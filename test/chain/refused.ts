import type { TestContext } from 'node:test'
import type { Effect } from '../../src/protocol/effects.js'
import { encodeRefusalEvidence, refusalHash } from '../../src/evidence/refusal-format.js'
import type { JudgeRefusal } from '../../src/evidence/tasks.js'
import type { UploadSource } from '../../src/client/upload.js'
import { signSegment, type SegmentRecord } from '../../src/protocol/segment.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import { encodeProof, prove } from '../../src/merkle/proof.js'
import { MemoryTree } from '../../src/merkle/reader.js'
import { identity } from '../ledger/network.js'
import { testChain, type TestChain } from './chain.js'
import { WINDOW_MS } from './hosted.js'
import { drawSegment, encodeCopy, type DrawnSegment } from './pinner.js'

const HEADER_BYTES = 136
/** Index of the chunk that the signer changed. */
export const BAD = 3

export interface Delivered extends DrawnSegment {
  chain: TestChain
  draw: number
  /** Evidence against chunk `index`. */
  evidence(index: number): Promise<Uint8Array>
}

/** A segment of which the signer signed one wrong chunk, delivered on the chain. */
export async function delivered(
  t: TestContext,
  { scale = 1, judge }: { scale?: number; judge?: JudgeRefusal } = {}
): Promise<Delivered> {
  const chain = await testChain(t, {
    names: ['signer', 'pinner'],
    parameters: { evidenceWindowMs: WINDOW_MS },
    ...(judge ? { judge } : {})
  })
  const blocks = Array.from({ length: 11 }, (_, i) => Buffer.alloc((100 + 997 * (i % 7)) * scale, i + 1))
  const drawn = await drawSegment(t, chain, blocks)
  const { signer, original, assignment } = drawn
  const chainId = await signer.chainId()
  const { record: honest, chunks } = await encodeCopy(chainId, assignment, original, identity('signer'))
  chunks[BAD]![HEADER_BYTES]! ^= 1
  const tree = new MemoryTree()
  const builder = new TreeBuilder((records) => tree.append(records))
  for (const chunk of chunks) builder.appendLeaf(leafNode(chunk, HEADER_BYTES))
  const record: SegmentRecord = { ...honest, root: Buffer.from(builder.root().hash) }
  await signer.deliver(assignment.draw, record)
  const checkpoint = { record, signature: signSegment(chainId, identity('signer'), record) }
  const evidence = async (index: number): Promise<Uint8Array> =>
    encodeRefusalEvidence({
      fault: 'chunk',
      checkpoint,
      index,
      proof: encodeProof(await prove(tree, index)),
      chunk: chunks[index]!
    })
  return { ...drawn, chain, draw: assignment.draw, evidence }
}

export function source(bytes: Uint8Array): UploadSource {
  return { byteLength: bytes.byteLength, parts: () => [bytes] }
}

export async function refuse({ pinner, draw }: Delivered, evidence: Uint8Array): Promise<void> {
  await pinner.refuse(draw, 'mismatch', refusalHash(evidence))
}

/** The verdict on a draw's refusal, as the log has it, and its entry. */
export function verdictIn({
  chain,
  draw
}: Delivered): (Effect & { kind: 'judged'; seq: number }) | undefined {
  const { ledger } = chain.network
  for (let seq = 0; seq < ledger.length(); seq++) {
    for (const effect of ledger.effects(seq)?.effects ?? []) {
      if (effect.kind === 'judged' && effect.draw === draw) return { ...effect, seq }
    }
  }
  return undefined
}

export async function judged(of: Delivered): Promise<boolean> {
  return (await of.chain.until('the refusal is judged', () => verdictIn(of), false)).upheld === 1
}

/** How often who was asked for a task said nothing. */
export function silences({ chain }: Delivered): bigint {
  const { ledger } = chain.network
  const said = (seq: number): Effect[] => ledger.effects(seq)?.effects ?? []
  const all = Array.from({ length: ledger.length() }, (_, seq) => said(seq)).flat()
  return BigInt(all.filter((effect) => effect.kind === 'redraw' && effect.why === 'acknowledge').length)
}
