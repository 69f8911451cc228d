import { hash as blake3 } from 'blake3'

/** A plain recursive tree after docs/formats.md, over the `blake3` package: shares no code with src/merkle. */
export interface ReferenceNode {
  hash: Buffer
  bytes: number
}

export function referenceLeaf(header: Uint8Array, body: Uint8Array): ReferenceNode {
  const bytes = header.byteLength + body.byteLength
  return { hash: h(Buffer.of(0), u64(bytes), header, h(body)), bytes }
}

export function referenceTree(leaves: ReferenceNode[]): ReferenceNode {
  if (leaves.length === 1) return leaves[0]!
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  const left = referenceTree(leaves.slice(0, k))
  const right = referenceTree(leaves.slice(k))
  const bytes = left.bytes + right.bytes
  return { hash: h(Buffer.of(1), u64(bytes), left.hash, right.hash), bytes }
}

function h(...parts: Uint8Array[]): Buffer {
  return Buffer.from(blake3(Buffer.concat(parts)))
}

function u64(value: number): Buffer {
  const out = Buffer.alloc(8)
  out.writeBigUInt64LE(BigInt(value))
  return out
}
