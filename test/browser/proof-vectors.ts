import { blake3 } from '#crypto/hash.js'
import { HEADER_BYTES, type CodecName } from '../../src/chunk/header.js'
import { pureSliceTools } from '../../src/evidence/pure-slice-tools.js'
import { judgeRefusal, type RefusalTools } from '../../src/evidence/refusal-judge.js'
import { sliceHasher } from '../../src/evidence/slice-hasher.js'
import { sliceTools } from '../../src/evidence/slice-tools.js'
import { openStep, sliceWalkSeed } from '../../src/evidence/slice-walk.js'
import {
  VALUE_BYTES,
  groupOf,
  proveSlice,
  sliceLength,
  storedGroups,
  verifySlice
} from '../../src/evidence/slices.js'
import { verifySliceEvidence } from '../../src/evidence/verify-slices.js'
import { concat } from '../../src/bytes.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { leafNode } from '../../src/merkle/node.js'
import {
  decodeBatchProof,
  decodeProof,
  encodeProof,
  prove,
  proveBatch,
  verifyBatch,
  verifyProof
} from '../../src/merkle/proof.js'
import { MemoryTree, locate } from '../../src/merkle/reader.js'
import type { Refusal } from '../../src/protocol/refusal.js'
import { bigEndian, decodeChunk } from './ciphers.js'
import { from, type Comparisons } from './room.js'

// Vectors of trees, walks, evidence and refusals.

export interface Merkle {
  headerBytes: number
  trees: {
    chunks: number
    bytes: number
    root: string
    proof: { index: number; nodes: string }
    batch: { indices: number[]; nodes: string }
    byte: { offset: number; index: number; chunkOffset: number }
  }[]
  storedTreeOf7: string
}

export async function merkle(it: Comparisons, { headerBytes, trees, storedTreeOf7 }: Merkle): Promise<void> {
  for (const { chunks: count, bytes, root: expected, proof, batch, byte } of trees) {
    const chunks = Array.from({ length: count }, (_, i) =>
      Uint8Array.from({ length: 137 + ((7 * i * i) % 1000) }, (_, j) => (i + 31 * j) & 255)
    )
    const offsetOf = (index: number): number =>
      chunks.slice(0, index).reduce((sum, { byteLength }) => sum + byteLength, 0)
    const what = `a tree of ${count}`
    const tree = new MemoryTree()
    const stored: Uint8Array[] = []
    const builder = new TreeBuilder((records) => {
      tree.append(records)
      stored.push(records.slice())
    })
    for (const chunk of chunks) builder.appendLeaf(leafNode(chunk, headerBytes))
    const root = builder.root()
    it.same([root.hash, root.bytes, root.chunks], `["${expected}",${bytes},${count}]`, what)
    it.same(encodeProof(await prove(tree, proof.index)), proof.nodes, `a proof in ${what}`)
    it.same(encodeProof(await proveBatch(tree, batch.indices)), batch.nodes, `a batch proof in ${what}`)
    const nodes = decodeProof(from(proof.nodes), proof.index, count)
    const { offset } = verifyProof(root, proof.index, leafNode(chunks[proof.index]!, headerBytes), nodes)
    it.same(offset, offsetOf(proof.index), `the place of chunk ${proof.index} in ${what}`)
    const leaves = batch.indices.map((index) => ({ index, leaf: leafNode(chunks[index]!, headerBytes) }))
    const batchNodes = decodeBatchProof(from(batch.nodes), batch.indices, count)
    const places = verifyBatch(root, leaves, batchNodes).map((place) => place.offset)
    it.same(places, JSON.stringify(batch.indices.map(offsetOf)), `the places of a batch in ${what}`)
    const found = await locate(tree, byte.offset)
    it.same(
      [found.index, found.offset],
      `[${byte.index},${byte.chunkOffset}]`,
      `byte ${byte.offset} of ${what}`
    )
    const other = { ...root, hash: blake3(root.hash) }
    const wrong = (): unknown =>
      verifyProof(other, proof.index, leafNode(chunks[proof.index]!, headerBytes), nodes)
    it.refused(wrong, 'PROOF_ROOT', `another root than that of ${what}`)
    if (count === 7) it.same(concat(stored), storedTreeOf7, 'a stored tree')
  }
}

interface Slices {
  bodies: {
    bytes: number
    hash: string
    groups: string[]
    proofs: { index: number; sliceBytes: number; siblings: string[] }[]
  }[]
  walk: Record<'chain' | 'beacon' | 'seed', string> &
    Record<'copy' | 'challenge' | 'round', number> & {
      segments: {
        id: string
        codec: CodecName
        start: number
        bytes: number
        root: string
        chunks: unknown[]
      }[]
      walks: {
        k: number
        visits: [number, number][]
        states: string[]
        open: number
        evidence: string
        evidenceHash: string
      }[]
    }
}

export function slices(it: Comparisons, { bodies, walk }: Slices): void {
  for (const { bytes, hash, groups, proofs } of bodies) {
    const body = Uint8Array.from({ length: bytes }, (_, i) => i % 251)
    it.same(blake3(body), hash, `a body of ${bytes}`)
    it.same(storedGroups(bytes), groups.length, `groups of ${bytes}`)
    const values = new Uint8Array(groups.length * VALUE_BYTES)
    if (groups.length > 0) sliceHasher.groupValues(body, 0, values)
    it.same(values, groups.join(''), `values of the groups of ${bytes}`)
    for (const { index, sliceBytes, siblings } of proofs) {
      const what = `slice ${index} of ${bytes}`
      it.same(sliceLength(index, bytes), sliceBytes, what)
      it.same(proveSlice(body, index), siblings.join(''), `proof of ${what}`)
      const place = groupOf(index, bytes)
      const group = body.subarray(place.offset, place.offset + place.bytes)
      it.same(
        sliceHasher.siblingsOf(index, bytes, values, group),
        siblings.join(''),
        `proof from groups of ${what}`
      )
      const slice = body.slice(1024 * index, 1024 * index + sliceBytes)
      const check = (): string => {
        verifySlice(from(hash), { index, bodyBytes: bytes, slice, siblings: from(siblings.join('')) })
        return 'holds'
      }
      it.same(check(), 'holds', what)
      if (slice.byteLength === 0) continue
      slice[0]! ^= 1
      it.refused(check, 'SLICE_ROOT', `${what}, changed`)
    }
  }
  sliceWalks(it, walk)
}

function sliceWalks(it: Comparisons, walk: Slices['walk']): void {
  const segments = walk.segments.map(({ codec, id, start, chunks, bytes, root }) => {
    return { codec, id: from(id), start, chunks: chunks.length, bytes, root: from(root) }
  })
  for (const tools of [sliceTools, pureSliceTools]) {
    const beacon = from(walk.beacon)
    const seed = sliceWalkSeed({ ...walk, chain: from(walk.chain), beacon }, segments, tools)
    it.same(seed, walk.seed, 'seed of a walk over slices')
    for (const { k, visits, states, open, evidence, evidenceHash } of walk.walks) {
      const last = from(states.at(-1)!)
      const challenge = { seed, steps: k, segments }
      const verdict = verifySliceEvidence(from(evidence), challenge, last, tools)
      it.same([verdict.ok, verdict.hash], `[true,"${evidenceHash}"]`, `evidence of ${k} steps`)
      if (verdict.ok) {
        it.same(
          verdict.visits.map(({ index, slice }) => [index, slice]),
          JSON.stringify(visits),
          `visits of ${k} steps`
        )
      }
      it.same(openStep(last, beacon, visits.length, tools), open, `step of ${k} that is opened`)
      const lied = verifySliceEvidence(from(evidence), challenge, seed, tools)
      it.same(lied.ok ? 'holds' : lied.code, 'EVIDENCE_STATE', `another state after ${k} steps`)
    }
  }
}

interface Refused {
  name: string
  refusal: Record<string, string | number>
  evidence: string
  upheld: boolean
  code: string
}

/** Whole proofs about primes are for the tests of src/crypto: the vectors here have one that is none. */
const tools: RefusalTools = {
  decodeChunk,
  primeFault(_modulus, _segmentId, proof) {
    if (proof[0] === 1) throw new Error('a proof of version 1 is not judged here')
    return { code: 'PRIME_PROOF_FORM', message: 'not version 1' }
  },
  isProperFactor(modulus, factor) {
    const [n, f] = [bigEndian(modulus), bigEndian(factor)]
    return f > 1n && f < n && n % f === 0n
  }
}

export function refusal(it: Comparisons, vectors: Refused[]): void {
  for (const { name, refusal, evidence, upheld, code } of vectors) {
    const given = Object.entries(refusal).map(([field, value]) => [
      field,
      typeof value === 'string' && !(value in HEADER_BYTES) ? from(value) : value
    ])
    const verdict = judgeRefusal(from(evidence), Object.fromEntries(given) as Refusal, tools)
    it.same([verdict.upheld, verdict.code], JSON.stringify([upheld, code]), name)
  }
}
