import {
  encodeRefusalEvidence,
  refusalHash,
  type RefusalEvidence
} from '../../src/evidence/refusal-format.js'
import { judgeRefusal, type RefusalVerdict } from '../../src/evidence/refusal-judge.js'
import { refusalTools } from '../../src/ledger/refusal-tools.js'
import type { Refusal } from '../../src/protocol/refusal.js'
import { segmentId, segmentSalt, signSegment, type SegmentRecord } from '../../src/protocol/segment.js'
import type { SignedRecord } from '../../src/protocol/hand-over.js'
import type { SegmentSecret } from '../../src/chunk/codec.js'
import type { CodecName } from '../../src/chunk/header.js'
import { codecOf, encodeChunk } from '../../src/chunk/codecs.js'
import { hash } from '../../src/crypto/hash.js'
import { keyPairFromSeed, type KeyPair } from '../../src/crypto/keys.js'
import { rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import { encodeProof, prove } from '../../src/merkle/proof.js'
import { MemoryTree, rootOf } from '../../src/merkle/reader.js'
import {
  OriginalTreeBuilder,
  encodeOriginalProof,
  originalLeaf,
  proofIndices,
  type OriginalNode
} from '../../src/protocol/original-tree.js'

/** The first block that the refused segment was to hold; the original has blocks before it. */
export const START = 2

/** A drawn segment, of which a test says what the signer made of each chunk. */
export class RefusedSegment {
  readonly chain = hash('test/chain')
  readonly signer: KeyPair = keyPairFromSeed(hash('test/signer'))
  readonly blocks: Buffer[]
  readonly secret: SegmentSecret
  /** What the log says of it, but the evidence's hash. */
  readonly drawn: Omit<Refusal, 'evidence'>
  readonly #nodes = new Map<number, OriginalNode>()

  constructor(codec: CodecName, blocks = 9) {
    this.blocks = Array.from({ length: blocks }, (_, i) => Buffer.alloc(20 + 37 * (i % 4), i + 1))
    const tree = new OriginalTreeBuilder()
    for (const block of this.blocks) {
      for (const node of tree.appendLeaf(block.byteLength, originalLeaf(block)))
        this.#nodes.set(node.index, node)
    }
    const place = { key: hash('test/hypercore'), fork: 1, copy: 4, start: START, draw: 6 }
    const signer = this.signer.publicKey
    const id = segmentId({ chain: this.chain, signer, ...place })
    const salt = segmentSalt(hash('test/beacon'), id)
    const key = codec === 'wrap' ? this.signer : rsaKeyFromSeed(hash('test/modulus'))
    const { publicKey, secretKey } = key
    this.secret = { codec, id, salt, publicKey, secretKey }
    const treeHash = tree.hash()
    const pinner = hash('test/pinner')
    const end = blocks
    this.drawn = { chain: this.chain, ...place, segment: 1, treeHash, pinner, signer, codec, id, salt, end }
  }

  /** The encoded chunks of an honest signer. */
  chunks(): Buffer[] {
    return this.blocks.slice(START).map((block, i) => this.encode(START + i, block))
  }

  encode(index: number, block: Buffer, of: SegmentSecret = this.secret): Buffer {
    return encodeChunk(of, index, block, hash('test/seed', index))
  }

  /** What the signer signs of these chunks: the segment, or as much of it as there is. */
  async sign(chunks: readonly Buffer[], changes: Partial<SegmentRecord> = {}): Promise<Signed> {
    const tree = new MemoryTree()
    const builder = new TreeBuilder((records) => tree.append(records))
    const { headerBytes } = codecOf(this.secret.codec)
    for (const chunk of chunks) builder.appendLeaf(leafNode(chunk, headerBytes))
    const { hash: root, bytes } = await rootOf(tree)
    const { key, fork, copy, segment, pinner, signer, codec, salt, treeHash } = this.drawn
    const record: SegmentRecord = {
      key: Buffer.from(key),
      fork,
      copy,
      segment,
      pinner: Buffer.from(pinner),
      signer: Buffer.from(signer),
      codec,
      version: 1,
      start: START,
      end: START + chunks.length,
      publicKey: Buffer.from(this.secret.publicKey),
      primeProof: codec === 'wrap' ? Buffer.alloc(0) : Buffer.from(hash('test/prime-proof')),
      salt: Buffer.from(salt),
      chunks: chunks.length,
      bytes,
      root: Buffer.from(root),
      treeHash: Buffer.from(treeHash),
      ...changes
    }
    return { checkpoint: { record, signature: signSegment(this.chain, this.signer, record) }, tree, chunks }
  }

  /** Evidence that the codec refuses a chunk. */
  async chunkEvidence({ checkpoint, tree, chunks }: Signed, index: number): Promise<RefusalEvidence> {
    const at = index - START
    return {
      fault: 'chunk',
      checkpoint,
      index,
      proof: encodeProof(await prove(tree, at)),
      chunk: chunks[at]!
    }
  }

  /** Evidence that a chunk decodes to another block than the author's. */
  async originalEvidence(signed: Signed, index: number): Promise<RefusalEvidence & { fault: 'original' }> {
    const { checkpoint, proof, chunk } = (await this.chunkEvidence(signed, index)) as RefusalEvidence & {
      fault: 'chunk'
    }
    const { siblings, roots } = proofIndices(index, this.blocks.length)
    const nodes = (of: number[]): OriginalNode[] => of.map((at) => this.#nodes.get(at)!)
    const original = encodeOriginalProof(Buffer.alloc(0), nodes(siblings), nodes(roots))
    const { size, hash: leaf } = this.#nodes.get(2 * index)!
    return {
      fault: 'original',
      checkpoint,
      index,
      proof,
      leaf: { size, hash: Buffer.from(leaf) },
      original,
      chunk
    }
  }

  /** The verdict on evidence that was refused with. */
  judge(evidence: RefusalEvidence | Uint8Array, changes: Partial<Refusal> = {}): RefusalVerdict {
    const bytes = evidence instanceof Uint8Array ? evidence : encodeRefusalEvidence(evidence)
    return judgeRefusal(bytes, { ...this.drawn, evidence: refusalHash(bytes), ...changes }, refusalTools)
  }
}

/** Chunks under a root that the signer signed. */
export interface Signed {
  checkpoint: SignedRecord
  tree: MemoryTree
  chunks: readonly Buffer[]
}
