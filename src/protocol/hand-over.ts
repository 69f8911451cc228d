import { bytes, decode, encode, fixed, struct, uint, type Infer } from './codec.js'
import { segmentRecordType } from './segment.js'

/**
 * What signer and pinner tell each other around the chunks of a segment, over the channel of src/swarm. Nearly all
 * that describes a segment both know from the chain; the offer carries only what it does not say.
 */

/**
 * The signer's first word. `publicKey`: what decodes the segment; `known`: chunks of it whose leaves the signer has, so
 * that it can go on after them; manifest and signature: the author's, at the original's length.
 */
export const offerType = struct({
  draw: uint(),
  publicKey: bytes(512),
  known: uint(),
  manifest: bytes(4_096),
  signature: bytes(4_096)
})
export type SegmentOffer = Infer<typeof offerType>

/** The signer's word for the segment, or for what it is so far (a running root): `signSegment` over the record. */
export const signedRecordType = struct({ record: segmentRecordType, signature: fixed(64) })
export type SignedRecord = Infer<typeof signedRecordType>

/** @throws ChainError OPERATION_MALFORMED */
export const decodeOffer = (from: Uint8Array): SegmentOffer => decode(offerType, from)
export const encodeOffer = (offer: SegmentOffer): Buffer => encode(offerType, offer)

/** @throws ChainError OPERATION_MALFORMED */
export const decodeSignedRecord = (from: Uint8Array): SignedRecord => decode(signedRecordType, from)
export const encodeSignedRecord = (word: SignedRecord): Buffer => encode(signedRecordType, word)
