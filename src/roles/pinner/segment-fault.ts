import type { SignedRecord } from '../../protocol/hand-over.js'
import { encodeRefusalEvidence } from '../../evidence/refusal-format.js'
import { segmentHash } from '../../protocol/segment.js'
import { codecOf } from '../../chunk/codecs.js'
import type { CodecName } from '../../chunk/header.js'
import type { ModulusFault } from '../../crypto/modulus-task.js'
import { DatdotError, ProofError } from '../../errors.js'
import type { TreeBuilder } from '../../merkle/builder.js'
import { leafNode } from '../../merkle/node.js'
import { encodeProof, prove } from '../../merkle/proof.js'
import type { NodeReader } from '../../merkle/reader.js'
import {
  childIndices,
  encodeOriginalProof,
  proofIndices,
  rootIndices,
  type OriginalNode
} from '../../protocol/original-tree.js'
import { equal } from '../../bytes.js'

/** A fault of a signer that others can be shown. */
export class SegmentFault extends DatdotError {
  /** What shows it: the bytes of a `RefusalEvidence`. */
  readonly evidence: Uint8Array

  constructor(cause: DatdotError, evidence: Uint8Array) {
    super(cause.code, cause.message, { cause })
    this.evidence = evidence
  }
}

/** A modulus with the proof that a signer shows of it, and what shows that it is not to be trusted. */
export interface OfferedModulus {
  /** What a record must say of both; the hash is empty for `wrap`. */
  publicKey: Uint8Array
  primeProofHash: Uint8Array
  primeProof: Uint8Array
  /** The fault, once the signer signed a record with this modulus. */
  fault: ((checkpoint: SignedRecord) => SegmentFault) | null
}

/** A modulus whose proof does not hold, or of which a factor was found. */
export function modulusFault(found: ModulusFault, primeProof: Uint8Array): OfferedModulus['fault'] {
  return (checkpoint) => {
    if (found.fault === 'primes') {
      const error = new ProofError('SEGMENT_MODULUS', `${found.message} [${found.code}]`)
      return new SegmentFault(error, encodeRefusalEvidence({ fault: 'primes', checkpoint, primeProof }))
    }
    const error = new ProofError('SEGMENT_FACTOR', 'a factor of the signer’s modulus was found')
    const { factor } = found
    return new SegmentFault(error, encodeRefusalEvidence({ fault: 'factor', checkpoint, factor }))
  }
}

/** Encoded chunks and signed checkpoints as they arrive, ahead of what was decoded. */
export interface Arrivals {
  /** Chunks that arrived and were not taken. */
  readonly waiting: number
  /** The checkpoints that arrived, and cover more than the chunks that were found to be good. */
  readonly checkpoints: readonly SignedRecord[]
  /** The next chunks in order, at most `count`. */
  take(count: number): Uint8Array[]
  /** Waits for more; false at the end. */
  pull(): Promise<boolean>
}

/** Encoded bytes that are still received once a chunk was found to be bad: a root comes every 16 MiB, and a run of chunks may be in between. */
const FOLLOWED_BYTES = 64 << 20

/** Where a bad chunk was met. */
export interface BadChunk {
  /** Its block index. */
  index: number
  /** Chunks that the segment is to have; more are not received. */
  chunks: number
  codec: CodecName
  tree: TreeBuilder
  nodes: NodeReader
}

/**
 * Shows that the signer signed a chunk that its codec refuses, the next one of `arrivals`. Goes on receiving up to the
 * next signed root, 16 MiB at the most from an honest sender, without keeping or decoding what comes.
 *
 * @param tree over the chunks before it; `nodes` takes what it completes
 * @returns nothing where the signer signs no root over what it sent: then there is nothing to show
 */
export async function chunkEvidence(
  arrivals: Arrivals,
  { index, chunks: most, codec, tree, nodes }: BadChunk
): Promise<Uint8Array | undefined> {
  const { headerBytes } = codecOf(codec)
  const before = tree.chunks
  const from = tree.bytes
  let chunk: Buffer | undefined
  let checkpoint: SignedRecord | undefined
  do {
    checkpoint = arrivals.checkpoints.find(({ record }) => record.chunks > before)
    const missing = checkpoint ? checkpoint.record.chunks - tree.chunks : arrivals.waiting
    for (const encoded of arrivals.take(missing)) {
      chunk ??= Buffer.from(encoded)
      tree.appendLeaf(leafNode(encoded, headerBytes))
    }
  } while (
    !checkpoint &&
    tree.bytes - from <= FOLLOWED_BYTES &&
    tree.chunks <= most &&
    (await arrivals.pull())
  )
  if (!chunk || !checkpoint) return undefined
  const { hash, bytes, chunks } = tree.root()
  const { record } = checkpoint
  if (chunks !== record.chunks || bytes !== record.bytes || !equal(record.root, hash)) return undefined
  const proof = encodeProof(await prove(nodes, before, chunks))
  return encodeRefusalEvidence({ fault: 'chunk', checkpoint, index, proof, chunk })
}

/** Where the evidence for a wrong block is found. */
export interface FaultSources {
  /** Node of the original's tree as it follows from the decoded chunks. */
  own: (at: number) => Promise<OriginalNode | null>
  /** The same node as the author signed it. */
  original: (at: number) => Promise<OriginalNode>
  /** The chunk of a block. */
  encoded: (index: number) => Promise<Buffer | null>
  /** Tree of the segment's encoded chunks. */
  nodes: NodeReader
}

/**
 * Shows that the signer signed a chunk that decodes to another block than the author's: the first such block is found in
 * the two trees of the original, whose nodes differ all the way down to it.
 *
 * @param checkpoint over the whole segment
 * @param length of the original
 * @returns nothing where the trees do not differ in this segment
 */
export async function originalEvidence(
  checkpoint: SignedRecord,
  length: number,
  { own, original, encoded, nodes }: FaultSources
): Promise<Uint8Array | undefined> {
  const firstWrong = async (among: number[]): Promise<number | undefined> => {
    for (const at of among) {
      const ours = await own(at)
      if (!ours || Buffer.compare(ours.hash, (await original(at)).hash) !== 0) return at
    }
    return undefined
  }
  let at = await firstWrong(rootIndices(length))
  while (at !== undefined && at % 2 === 1) at = await firstWrong(childIndices(at))
  const { start, end, chunks } = checkpoint.record
  const index = (at ?? 2 * end) / 2
  const chunk = index >= start && index < end ? await encoded(index) : null
  if (!chunk) return undefined
  const leaf = await original(2 * index)
  const { siblings, roots } = proofIndices(index, length)
  const read = async (of: number[]): Promise<OriginalNode[]> => {
    const found: OriginalNode[] = []
    for (const node of of) found.push(await original(node))
    return found
  }
  return encodeRefusalEvidence({
    fault: 'original',
    checkpoint,
    index,
    proof: encodeProof(await prove(nodes, index - start, chunks)),
    leaf: { size: leaf.size, hash: Buffer.from(leaf.hash) },
    original: encodeOriginalProof(Buffer.alloc(0), await read(siblings), await read(roots)),
    chunk
  })
}

/** Checkpoints of one draw that are remembered, the latest. */
const CHECKPOINTS_MAX = 64

/** What a signer has signed of one segment, over all its connections. */
export class Checkpoints {
  readonly #checkpoints = new Map<number, SignedRecord>()

  /** Remembers a checkpoint; returns evidence if it contradicts an earlier one: with `seal`, one key has one encoding. */
  add(chainId: Uint8Array, checkpoint: SignedRecord): Uint8Array | undefined {
    const { end, codec, publicKey } = checkpoint.record
    const other = this.#checkpoints.get(end)
    this.#checkpoints.delete(end)
    this.#checkpoints.set(end, checkpoint)
    if (this.#checkpoints.size > CHECKPOINTS_MAX) {
      const [oldest] = this.#checkpoints.keys()
      this.#checkpoints.delete(oldest as number)
    }
    if (!other || codec !== 'seal' || !equal(publicKey, other.record.publicKey)) return undefined
    if (equal(segmentHash(chainId, other.record), segmentHash(chainId, checkpoint.record))) return undefined
    return encodeRefusalEvidence({ fault: 'contradiction', checkpoint: other, other: checkpoint })
  }
}
