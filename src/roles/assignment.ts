import { segmentId, segmentSalt, type SegmentRecord } from '../chain/segment.js'
import type { AssignmentView } from '../chain/views.js'
import { CODEC_VERSION, type SegmentPublic } from '../chunk/codec.js'
import type { TreeRoot } from '../merkle/node.js'

/** The segment that a draw asks for, as signer and pinner must both see it. */
export function segmentOf(chainId: Buffer, assignment: AssignmentView, publicKey: Buffer): SegmentPublic {
  const { codec, hypercore, fork, copy, task, signer, draw, beacon } = assignment
  const id = segmentId({ chain: chainId, key: hypercore, fork, copy, start: task.start, signer, draw })
  return { codec, id, publicKey, salt: segmentSalt(beacon, id) }
}

/** The record of its first `root.chunks` chunks: what both sign, and what goes on the chain. */
export function recordOf(assignment: AssignmentView, segment: SegmentPublic, root: TreeRoot): SegmentRecord {
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
    salt: Buffer.from(segment.salt),
    chunks: root.chunks,
    bytes: root.bytes,
    root: Buffer.from(root.hash),
    treeHash
  }
}
