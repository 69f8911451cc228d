import { MAX_PRIME_PROOF_BYTES } from '../crypto/prime-proof-bytes.js'
import { BLOCKS_MAX } from '../bounds.js'
import { ChainError } from '../errors.js'
import { bytes, decode, encode, fixed, list, struct, uint, type Infer } from './codec.js'
import { segmentRecordType } from './segment.js'

/**
 * What signer and pinner tell each other around the chunks of a segment, over the channel of src/swarm. Nearly all
 * that describes a segment both know from the chain; the offer carries only what it does not say.
 */

/** Most runs of holes in a segment: an offer fits into a message. */
export const HOLES_MAX = 1_024

/**
 * What the signer says first. `publicKey`: what decodes the segment; `primeProof`: of seal, the proof whose hash the
 * record has (crypto/prime-proof-format.ts); `known`: chunks of it whose leaves the signer has, so that it can go on
 * after them; `holes`: blocks `[start, end)` that nobody has, in order, for which it sends empty chunks.
 */
export const offerType = struct({
  draw: uint(),
  publicKey: bytes(512),
  primeProof: bytes(MAX_PRIME_PROOF_BYTES),
  known: uint(BLOCKS_MAX),
  holes: list(struct({ start: uint(BLOCKS_MAX), end: uint(BLOCKS_MAX) }), HOLES_MAX)
})
export type SegmentOffer = Infer<typeof offerType>

/** A segment record with its signature (`signSegment`): the signer's over what it has sent so far, a checkpoint, the last of which covers
 * all; and the pinner's over the whole. */
export const signedRecordType = struct({ record: segmentRecordType, signature: fixed(64) })
export type SignedRecord = Infer<typeof signedRecordType>

/** @throws ChainError OPERATION_MALFORMED; also for holes that are empty, out of order, or touch: one list says them */
export function decodeOffer(from: Uint8Array): SegmentOffer {
  const offer = decode(offerType, from)
  let before = -1
  for (const { start, end } of offer.holes) {
    if (start <= before || end <= start)
      throw new ChainError(
        'OPERATION_MALFORMED',
        `an offer has holes [${start}, ${end}) behind block ${before}`
      )
    before = end
  }
  return offer
}
export const encodeOffer = (offer: SegmentOffer): Uint8Array => encode(offerType, offer)

/** @throws ChainError OPERATION_MALFORMED */
export const decodeSignedRecord = (from: Uint8Array): SignedRecord => decode(signedRecordType, from)
export const encodeSignedRecord = (signed: SignedRecord): Uint8Array => encode(signedRecordType, signed)
