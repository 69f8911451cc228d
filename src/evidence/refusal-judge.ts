import { equal } from '../bytes.js'
import type { SegmentPublic } from '../chunk/codec.js'
import { CODEC_VERSION, HEADER_BYTES } from '../chunk/header.js'
import { primeProofHash } from '../crypto/prime-proof-bytes.js'
import { CodecError, ProofError, type CodeOf, type CryptoError, type ErrorCode } from '../errors.js'
import { leafNode, type TreeRoot } from '../merkle/node.js'
import { decodeProof, verifyProof } from '../merkle/proof.js'
import type { SignedRecord } from '../protocol/hand-over.js'
import { originalLeaf, verifyOriginalLeaf } from '../protocol/original-tree.js'
import { segmentHash, verifySegment } from '../protocol/segment.js'
import { decodeRefusalEvidence, refusalHash, type RefusalEvidence } from './refusal-format.js'
import type { Refusal } from '../protocol/refusal.js'

/** `upheld`: the signer is at fault. The code says why, or why the evidence does not show it. */
export interface RefusalVerdict {
  upheld: boolean
  /** Whether the evidence is the one that the refusal named. If not, it says nothing of who is at fault. */
  named: boolean
  code: ErrorCode
  message: string
}

/** What judging needs of ciphers; handed in, since they are not pure. */
export interface RefusalTools {
  /** Decodes a chunk. @throws CodecError if it is none of this segment at this index */
  decodeChunk: (segment: SegmentPublic, index: number, chunk: Uint8Array) => Uint8Array
  /** What is wrong with a modulus, or with the encoded proof about its primes. */
  primeFault: (
    modulus: Uint8Array,
    segmentId: Uint8Array,
    proof: Uint8Array
  ) => Pick<CryptoError, 'code' | 'message'> | undefined
  /** Whether the second number divides the first, and is neither 1 nor the same. */
  isProperFactor: (modulus: Uint8Array, factor: Uint8Array) => boolean
}

/**
 * Who pays for a refusal: a pure function of the evidence and of what the log says, for the chain and for whoever
 * audits it. Only what the signer signed counts against it; evidence that shows no fault of its counts against the refuser.
 */
export function judgeRefusal(evidence: Uint8Array, refusal: Refusal, tools: RefusalTools): RefusalVerdict {
  const named = equal(refusalHash(evidence), refusal.evidence)
  try {
    if (!named) throw unproven('REFUSAL_HASH', 'it is not the one that the refusal named')
    return { upheld: true, named, ...faultIn(decodeRefusalEvidence(evidence), refusal, tools) }
  } catch (error) {
    // Only what the evidence says decides; trouble of our own is nobody's fault.
    if (!(error instanceof ProofError)) throw error
    return { upheld: false, named, code: error.code, message: error.message }
  }
}

/** The fault that an evidence shows. @throws ProofError if it shows none */
function faultIn(
  evidence: RefusalEvidence,
  refusal: Refusal,
  tools: RefusalTools
): { code: ErrorCode; message: string } {
  checkCheckpoint(evidence.checkpoint, refusal)
  if (evidence.fault === 'contradiction') return contradiction(evidence, refusal)
  if (evidence.fault === 'primes') return primes(evidence, refusal, tools)
  if (evidence.fault === 'factor') return factor(evidence, refusal, tools)
  const { checkpoint, index, chunk } = evidence
  const { record } = checkpoint
  checkIncluded(evidence, refusal)
  const { id, codec, salt } = refusal
  let plain: Uint8Array
  try {
    plain = tools.decodeChunk({ codec, id, salt, publicKey: record.publicKey }, index, chunk)
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    return { code: error.code, message: error.message }
  }
  if (evidence.fault === 'chunk') throw unproven('REFUSAL_UNFOUNDED', `chunk ${index} decodes`)
  const original = { length: refusal.end, treeHash: refusal.treeHash }
  verifyOriginalLeaf(evidence.leaf, evidence.original, original, index)
  // Whether nobody has a block cannot be shown: an empty chunk says so, and a pinner that knows better does not take it.
  if (plain.byteLength === 0) throw unproven('REFUSAL_UNFOUNDED', `chunk ${index} stands for a hole`)
  // Hypercore's hash of a leaf covers the block's length too.
  if (equal(originalLeaf(plain), evidence.leaf.hash)) {
    throw unproven('REFUSAL_UNFOUNDED', `chunk ${index} decodes to the author's block`)
  }
  return { code: 'REFUSAL_OTHER_BLOCK', message: `chunk ${index} decodes to another block than the author's` }
}

/** Whether a record is one of this draw's segment, or of its beginning, and signed by its signer. */
function checkCheckpoint({ record, signature }: SignedRecord, refusal: Refusal): void {
  const wrong =
    (!equal(record.key, refusal.key) && 'key') ||
    (record.fork !== refusal.fork && 'fork') ||
    (record.copy !== refusal.copy && 'copy') ||
    (record.segment !== refusal.segment && 'segment') ||
    (!equal(record.pinner, refusal.pinner) && 'pinner') ||
    (!equal(record.signer, refusal.signer) && 'signer') ||
    (record.codec !== refusal.codec && 'codec') ||
    (record.version !== CODEC_VERSION && 'version') ||
    (record.start !== refusal.start && 'start') ||
    ((record.end <= refusal.start || record.end > refusal.end) && 'end') ||
    (record.chunks !== record.end - record.start && 'chunks') ||
    (!equal(record.salt, refusal.salt) && 'salt') ||
    (!equal(record.treeHash, refusal.treeHash) && 'treeHash')
  if (wrong) throw unproven('REFUSAL_RECORD', `the record's ${wrong} is not the refused draw's`)
  if (!verifySegment(refusal.chain, refusal.signer, record, signature)) {
    throw unproven('REFUSAL_SIGNATURE', 'the signer did not sign this record')
  }
}

/** Whether the chunk is under the signed root. */
function checkIncluded(
  { checkpoint: { record }, index, proof, chunk }: RefusalEvidence & { fault: 'chunk' | 'original' },
  { codec }: Refusal
): void {
  if (chunk.byteLength === 0) throw unproven('REFUSAL_MALFORMED', 'a chunk has at least one byte')
  const root: TreeRoot = { hash: record.root, bytes: record.bytes, chunks: record.chunks }
  const at = index - record.start
  const leaf = leafNode(chunk, HEADER_BYTES[codec])
  verifyProof(root, at, leaf, decodeProof(proof, at, record.chunks))
}

/**
 * Two records of the same chunks. With `seal` the same blocks under the same key have one encoding, so one of the two is
 * false; `wrap` draws its keys anew after an interruption, and then an honest signer signs two roots.
 */
function contradiction(
  { checkpoint, other }: RefusalEvidence & { fault: 'contradiction' },
  refusal: Refusal
): { code: ErrorCode; message: string } {
  checkCheckpoint(other, refusal)
  const [one, two] = [checkpoint.record, other.record]
  if (refusal.codec !== 'seal' || one.end !== two.end || !equal(one.publicKey, two.publicKey)) {
    throw unproven('REFUSAL_UNFOUNDED', 'the two records do not exclude each other')
  }
  if (equal(segmentHash(refusal.chain, one), segmentHash(refusal.chain, two))) {
    throw unproven('REFUSAL_UNFOUNDED', 'the two records are the same')
  }
  return {
    code: 'REFUSAL_CONTRADICTION',
    message: `the signer signed two roots of blocks ${one.start} to ${one.end - 1} under one key`
  }
}

/** The proof that the signer bound its signature to does not hold for its modulus. */
function primes(
  { checkpoint: { record }, primeProof }: RefusalEvidence & { fault: 'primes' },
  { codec, id }: Refusal,
  { primeFault }: RefusalTools
): { code: ErrorCode; message: string } {
  if (codec !== 'seal') throw unproven('REFUSAL_UNFOUNDED', `${codec} has no modulus`)
  if (!equal(primeProofHash(primeProof), record.primeProof)) {
    throw unproven('REFUSAL_UNFOUNDED', 'the proof about the primes is not the one that was signed')
  }
  const fault = primeFault(record.publicKey, id, primeProof)
  if (!fault) throw unproven('REFUSAL_UNFOUNDED', 'the proof about the primes holds')
  return { code: fault.code, message: fault.message }
}

/** Whoever has a factor of the modulus can make the copy again without storing it. */
function factor(
  { checkpoint: { record }, factor }: RefusalEvidence & { fault: 'factor' },
  { codec }: Refusal,
  { isProperFactor }: RefusalTools
): { code: ErrorCode; message: string } {
  if (codec !== 'seal' || !isProperFactor(record.publicKey, factor)) {
    throw unproven('REFUSAL_UNFOUNDED', 'the number is no factor of the modulus')
  }
  return { code: 'REFUSAL_FACTOR', message: 'a factor of the modulus is known' }
}

function unproven(code: CodeOf<'ProofError'>, why: string): ProofError {
  return new ProofError(code, `This evidence of a refusal does not hold: ${why}`)
}
