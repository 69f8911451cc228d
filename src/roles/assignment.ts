import { refusalHash } from '../evidence/refusal-format.js'
import type { Refusal } from '../protocol/refusal.js'
import { segmentId, segmentSalt, type SegmentRecord } from '../protocol/segment.js'
import type { AssignmentView } from '../protocol/views.js'
import type { SegmentPublic } from '../chunk/codec.js'
import { CODEC_VERSION } from '../chunk/header.js'
import type { TreeRoot } from '../merkle/node.js'

/** The segment that a draw asks for, as signer and pinner must both see it. */
export function segmentOf(
  chainId: Uint8Array,
  assignment: AssignmentView,
  publicKey: Uint8Array
): SegmentPublic {
  const { codec, hypercore, fork, copy, task, signer, draw, beacon } = assignment
  const id = segmentId({ chain: chainId, key: hypercore, fork, copy, start: task.start, signer, draw })
  return { codec, id, publicKey, salt: segmentSalt(beacon, id) }
}

/** The record of its first `root.chunks` chunks: what both sign, and what goes on the chain. */
export function recordOf(
  assignment: AssignmentView,
  segment: SegmentPublic & { primeProofHash: Uint8Array },
  root: TreeRoot
): SegmentRecord {
  const { hypercore, fork, copy, pinner, signer, task, treeHash } = assignment
  return {
    key: hypercore,
    fork,
    copy,
    segment: assignment.segment,
    pinner,
    signer,
    codec: segment.codec,
    version: CODEC_VERSION,
    start: task.start,
    end: task.start + root.chunks,
    publicKey: Buffer.from(segment.publicKey),
    primeProof: Buffer.from(segment.primeProofHash),
    salt: Buffer.from(segment.salt),
    chunks: root.chunks,
    bytes: root.bytes,
    root: Buffer.from(root.hash),
    treeHash
  }
}

/** What the log will say of a draw that is refused with this evidence, to judge it beforehand. */
export function refusalOf(chainId: Uint8Array, assignment: AssignmentView, evidence: Uint8Array): Refusal {
  const { hypercore: key, fork, treeHash, copy, segment, pinner, signer, codec, draw, task } = assignment
  const { id, salt } = segmentOf(chainId, assignment, Buffer.alloc(0))
  const { start, end } = task
  const drawn = { draw, key, fork, treeHash, copy, segment, pinner, signer, codec, id, salt, start, end }
  return { chain: chainId, ...drawn, evidence: refusalHash(evidence) }
}
