import { createKeyed, deriveKey, hash as blake3 } from 'blake3'
import { referenceLeaf, referenceTree, type ReferenceNode } from '../merkle/reference.js'
import { referenceSiblings, slicesOf } from './slice-reference.js'

// The walk over slices and its evidence, written from docs/formats.md over another BLAKE3 and nothing of src/.

export interface ReferenceSegment {
  id: Buffer
  headerBytes: number
  start: number
  chunks: Buffer[]
}

export interface ReferenceWalk {
  /** Chunk and slice of each step. */
  visits: [number, number][]
  states: Buffer[]
  evidence: Buffer
  evidenceHash: Buffer
}

function unsigned(value: number | bigint, size: 4 | 8 = 8): Buffer {
  const out = Buffer.alloc(8)
  out.writeBigUInt64LE(BigInt(value))
  return out.subarray(0, size)
}

function H(...parts: (string | number | Buffer)[]): Buffer {
  const encoded = parts.map((part) =>
    typeof part === 'string' ? Buffer.from(part) : typeof part === 'number' ? unsigned(part) : part
  )
  return Buffer.from(blake3(Buffer.concat(encoded.flatMap((part) => [unsigned(part.byteLength), part]))))
}

function U(seed: Buffer, bound: number): number {
  const words = Buffer.from(deriveKey('datdot/uniform/1', seed, { length: 1024 }))
  const limit = (2n ** 64n / BigInt(bound)) * BigInt(bound)
  for (let at = 0; ; at += 8) {
    const word = words.readBigUInt64LE(at)
    if (word < limit) return Number(word % BigInt(bound))
  }
}

function varint(value: number): Buffer {
  if (value <= 252) return Buffer.of(value)
  if (value < 2 ** 16) return Buffer.concat([Buffer.of(253), unsigned(value).subarray(0, 2)])
  return Buffer.concat([Buffer.of(254), unsigned(value, 4)])
}

const bytesOf = (chunks: Buffer[]): number => chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)

function leavesOf({ headerBytes, chunks }: ReferenceSegment): ReferenceNode[] {
  return chunks.map((chunk) => referenceLeaf(chunk.subarray(0, headerBytes), chunk.subarray(headerBytes)))
}

export function referenceRootOf(segment: ReferenceSegment): Buffer {
  return referenceTree(leavesOf(segment)).hash
}

export function referenceSeed(
  {
    chain,
    copy,
    challenge,
    round,
    beacon
  }: { chain: Buffer; copy: number; challenge: number; round: number; beacon: Buffer },
  segments: ReferenceSegment[]
): Buffer {
  const list = segments.flatMap((s) => [
    s.id,
    s.start,
    s.chunks.length,
    bytesOf(s.chunks),
    referenceRootOf(s)
  ])
  return H(
    'datdot/walk/2',
    chain,
    copy,
    H('datdot/segments/1', segments.length, ...list),
    challenge,
    round,
    beacon
  )
}

export function referenceOpen(lastState: Buffer, beacon: Buffer, steps: number): number {
  return U(H('datdot/open/1', lastState, beacon), steps)
}

/** The whole answer to a challenge, by counting bytes. */
export function referenceWalk(seed: Buffer, k: number, segments: ReferenceSegment[]): ReferenceWalk {
  const chunks = segments.flatMap(({ chunks, headerBytes }) =>
    chunks.map((chunk) => ({ chunk, headerBytes }))
  )
  const bodies = chunks.map(({ chunk, headerBytes }) => chunk.byteLength - headerBytes)
  const most = segments.reduce((sum, { chunks, headerBytes }) => {
    const bytes = bytesOf(chunks) - chunks.length * headerBytes
    return sum + chunks.length + (bytes === 0 ? 0 : Math.floor((bytes - 1) / 1024))
  }, 0)
  const all = bodies.flatMap((bytes, chunk) =>
    Array.from({ length: slicesOf(bytes) }, (_, slice): [number, number] => [chunk, slice])
  )
  const visits: [number, number][] = []
  const states: Buffer[] = []
  let state = seed
  for (let t = 0; t < (most <= k ? all.length : k); t++) {
    let [chunk, slice] = all[t] ?? [0, 0]
    if (most > k) {
      let at = U(
        state,
        chunks.reduce((sum, { chunk }) => sum + chunk.byteLength, 0)
      )
      for (chunk = 0; at >= chunks[chunk]!.chunk.byteLength; chunk++) at -= chunks[chunk]!.chunk.byteLength
      slice = Math.max(0, Math.floor((at - chunks[chunk]!.headerBytes) / 1024))
    }
    const { chunk: bytes, headerBytes } = chunks[chunk]!
    const body = bytes.subarray(headerBytes)
    const message = [
      unsigned(chunk),
      unsigned(slice, 4),
      bytes.subarray(0, headerBytes),
      body.subarray(1024 * slice, 1024 * slice + 1024)
    ]
    state = Buffer.from(createKeyed(state).update(Buffer.concat(message)).digest())
    visits.push([chunk, slice])
    states.push(state)
  }
  const evidence = referenceEvidence(visits, segments)
  return { visits, states, evidence, evidenceHash: H('datdot/evidence/2', evidence) }
}

function referenceEvidence(visits: [number, number][], segments: ReferenceSegment[]): Buffer {
  const numbers: Buffer[] = []
  const paths: Buffer[] = []
  const bytes: Buffer[] = []
  let count = 0
  for (const [ordinal, segment] of segments.entries()) {
    const { start, chunks, headerBytes } = segment
    const visited = chunks.map((_, leaf) => {
      const slices = visits.filter(([chunk]) => chunk === start + leaf).map(([, slice]) => slice)
      return [...new Set(slices)].sort((a, b) => a - b)
    })
    for (const [leaf, slices] of visited.entries()) {
      if (slices.length === 0) continue
      const header = chunks[leaf]!.subarray(0, headerBytes)
      const body = chunks[leaf]!.subarray(headerBytes)
      count++
      numbers.push(...[ordinal, leaf, body.byteLength, slices.length, ...slices].map(varint))
      bytes.push(header)
      for (const slice of slices) {
        bytes.push(body.subarray(1024 * slice, 1024 * slice + 1024), ...referenceSiblings(body, slice))
      }
    }
    const opened = visited.map(({ length }) => length > 0)
    if (opened.includes(true)) paths.push(...batch(leavesOf(segment), opened))
  }
  return Buffer.concat([Buffer.of(2), varint(count), ...numbers, ...paths, ...bytes])
}

/** Records of the subtrees without an opened leaf, from left to right. */
function batch(leaves: ReferenceNode[], opened: boolean[]): Buffer[] {
  if (!opened.includes(true)) {
    const { bytes, hash } = referenceTree(leaves)
    return [unsigned(bytes), hash]
  }
  if (leaves.length === 1) return []
  let cut = 1
  while (cut * 2 < leaves.length) cut *= 2
  return [
    ...batch(leaves.slice(0, cut), opened.slice(0, cut)),
    ...batch(leaves.slice(cut), opened.slice(cut))
  ]
}
