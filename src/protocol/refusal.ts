import type { CodecName } from '../chunk/header.js'

/** What the log says of a refused draw: all that a verdict on its evidence needs. Hashes and keys have 32 bytes. */
export interface Refusal {
  /** Id of the chain. */
  chain: Uint8Array
  draw: number
  /** The hypercore, its fork, and the author's tree over its first `end` blocks. */
  key: Uint8Array
  fork: number
  treeHash: Uint8Array
  copy: number
  /** Number of the segment in the copy. */
  segment: number
  pinner: Uint8Array
  signer: Uint8Array
  codec: CodecName
  /** Of the segment: `segmentId` and `segmentSalt`. */
  id: Uint8Array
  salt: Uint8Array
  /** Blocks `[start, end)` were to be encoded; `end` is also the original's length. */
  start: number
  end: number
  /** Hash of the evidence, as the refusal named it. */
  evidence: Uint8Array
}
