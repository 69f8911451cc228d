import { hash } from '#crypto/hash.js'
import { MAX_PRIME_PROOF_BYTES } from '../crypto/prime-proof-bytes.js'
import { ProofError } from '../errors.js'
import { BLOCKS_MAX } from '../bounds.js'
import {
  bytes,
  decode,
  encode,
  fixed,
  oneOf,
  struct,
  uint,
  type Infer,
  type CodecState,
  type Type
} from '../protocol/codec.js'
import { signedRecordType } from '../protocol/hand-over.js'

/**
 * What a pinner gives with its refusal of a delivered segment, so that anybody can see who is at fault: something that
 * the signer signed, and what shows that it must not have signed it. docs/formats.md has it byte by byte.
 */
const VERSION = 1

/** The most bytes of the proof that a block belongs to the original hypercore. */
export const MAX_ORIGINAL_PROOF_BYTES = 16 << 10

/** Siblings with sizes that prove one chunk, at the most: 53 levels of 40 bytes. */
const MAX_CHUNK_PROOF_BYTES = 53 * 40

/** The longest chunk that a signer can send, and so can be shown to be wrong; good ones are shorter. */
const MAX_SENT_CHUNK_BYTES = 16 << 20

/** The most bytes of a refusal's evidence: one chunk, its proofs, and two signed records. */
export const MAX_REFUSAL_EVIDENCE_BYTES = MAX_SENT_CHUNK_BYTES + MAX_ORIGINAL_PROOF_BYTES + (8 << 10)

/** A chunk (block `index`) and its inclusion proof against the root in `checkpoint`, signed by the signer. */
const provenChunk = {
  checkpoint: signedRecordType,
  index: uint(BLOCKS_MAX),
  proof: bytes(MAX_CHUNK_PROOF_BYTES)
}

const MODULUS_BYTES = 256

const chunk = bytes(MAX_SENT_CHUNK_BYTES)

const faultTypes = {
  /** A chunk that the codec refuses. */
  chunk: struct({ ...provenChunk, chunk }),
  /** A chunk that decodes to something else than the author's block, whose leaf `original` proves. */
  original: struct({
    ...provenChunk,
    leaf: struct({ size: uint(), hash: fixed(32) }),
    original: bytes(MAX_ORIGINAL_PROOF_BYTES),
    chunk
  }),
  /** Two records of the same chunks under one key that differ. */
  contradiction: struct({ checkpoint: signedRecordType, other: signedRecordType }),
  /** A proof about the modulus's primes, whose hash was signed, that does not hold. */
  primes: struct({ checkpoint: signedRecordType, primeProof: bytes(MAX_PRIME_PROOF_BYTES) }),
  /** A factor of the modulus, which nobody should be able to find. */
  factor: struct({ checkpoint: signedRecordType, factor: fixed(MODULUS_BYTES) })
}

type Fault = keyof typeof faultTypes
const faults = Object.keys(faultTypes) as Fault[]
const headType = struct({ version: uint(0xfc), fault: oneOf(faults) })

export type RefusalEvidence = { [F in Fault]: { fault: F } & Infer<(typeof faultTypes)[F]> }[Fault]

export const refusalEvidenceType: Type<RefusalEvidence> = {
  layout: {
    is: 'variant',
    version: VERSION,
    by: 'fault',
    of: faultTypes as unknown as Record<string, Type<unknown>>
  },
  preencode(state: CodecState, evidence: RefusalEvidence) {
    headType.preencode(state, { version: VERSION, fault: evidence.fault })
    typeOf(evidence.fault).preencode(state, evidence)
  },
  encode(state: CodecState, evidence: RefusalEvidence) {
    headType.encode(state, { version: VERSION, fault: evidence.fault })
    typeOf(evidence.fault).encode(state, evidence)
  },
  decode(state: CodecState): RefusalEvidence {
    const { version, fault } = headType.decode(state)
    if (version !== VERSION) throw malformed(`it has version ${version}`)
    return { ...typeOf(fault).decode(state), fault } as RefusalEvidence
  }
}

/** The evidence's bytes, in their only form. */
export function encodeRefusalEvidence(evidence: RefusalEvidence): Uint8Array {
  return encode(refusalEvidenceType, evidence)
}

/** Reads evidence. Chunk and proofs are views of `from`. @throws ProofError `REFUSAL_MALFORMED` */
export function decodeRefusalEvidence(from: Uint8Array): RefusalEvidence {
  if (from.byteLength > MAX_REFUSAL_EVIDENCE_BYTES) throw malformed(`it has ${from.byteLength} bytes`)
  try {
    return decode(refusalEvidenceType, from)
  } catch (error) {
    if (error instanceof ProofError) throw error
    throw malformed((error as Error).message)
  }
}

/** Hash of a refusal's evidence, which `refuse` puts on the log. */
export function refusalHash(evidence: Uint8Array): Uint8Array {
  return hash('datdot/refusal/1', evidence)
}

function typeOf(fault: Fault): Type<RefusalEvidence> {
  return faultTypes[fault] as unknown as Type<RefusalEvidence>
}

function malformed(why: string): ProofError {
  return new ProofError('REFUSAL_MALFORMED', `This evidence of a refusal cannot be read: ${why}`)
}
