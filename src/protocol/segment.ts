import { codecNames } from '../chunk/header.js'
import { hash } from '#crypto/hash.js'
import { signDetached, verifyDetached, type KeyPair } from '#crypto/keys.js'
import { BLOCKS_MAX, BYTES_MAX } from '../bounds.js'
import { bytes, fixed, oneOf, struct, uint, type Infer } from './codec.js'

/**
 * What signer and pinner agree on, public on the chain. `publicKey`: what decodes it (wrap: the signer's
 * Ed25519 key; seal: the modulus N). Chunks `[start, end)` of the original; `bytes`: encoded; `treeHash`:
 * hypercore's tree hash of the original at the length that the task asks for. `primeProof`: hash of the proof that
 * the modulus has at most four primes (seal), or empty (wrap).
 */
export const segmentRecordType = struct({
  key: fixed(32),
  fork: uint(),
  copy: uint(),
  segment: uint(),
  pinner: fixed(32),
  signer: fixed(32),
  codec: oneOf(codecNames),
  version: uint(255),
  start: uint(BLOCKS_MAX),
  end: uint(BLOCKS_MAX),
  publicKey: bytes(512),
  primeProof: bytes(32),
  salt: fixed(32),
  chunks: uint(BLOCKS_MAX),
  bytes: uint(BYTES_MAX),
  root: fixed(32),
  treeHash: fixed(32)
})
export type SegmentRecord = Infer<typeof segmentRecordType>

/** The hash that both signer and pinner sign (DESIGN section 3.5). */
export function segmentHash(chainId: Uint8Array, record: SegmentRecord): Uint8Array {
  const r = record
  return hash(
    'datdot/segment/1',
    chainId,
    r.key,
    r.fork,
    r.copy,
    r.segment,
    r.pinner,
    r.signer,
    r.codec,
    r.version,
    r.start,
    r.end,
    r.publicKey,
    r.primeProof,
    r.salt,
    r.chunks,
    r.bytes,
    r.root,
    r.treeHash
  )
}

/** Signature of a signer or pinner over a segment; a signer also signs shorter records as it goes. */
export function signSegment(chainId: Uint8Array, keyPair: KeyPair, record: SegmentRecord): Uint8Array {
  return signDetached(segmentHash(chainId, record), keyPair.secretKey)
}

/** Whether `signature` is `publicKey`'s over the segment. */
export function verifySegment(
  chainId: Uint8Array,
  publicKey: Uint8Array,
  record: SegmentRecord,
  signature: Uint8Array
): boolean {
  return verifyDetached(signature, segmentHash(chainId, record), publicKey)
}

export { segmentId, segmentSalt } from '../chunk/codec.js'
