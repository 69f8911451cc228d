import { hash } from '#crypto/hash.js'
import { signParts, verifyParts, type KeyPair } from '#crypto/keys.js'
import type { HashPart } from '../crypto/pure-hashes.js'
import type { Receipt } from './views.js'

const DOMAIN = 'datdot/receipt/2'
/** Stands for the arrival of what nobody waited for. */
const NOTHING = new Uint8Array(0)
/** By what came: the evidence of an answer, or an opening. */
const EVIDENCE_DOMAINS = { answer: 'datdot/evidence-receipt/1', opening: 'datdot/opening-receipt/1' }

/** The chain's word that it has the whole evidence of an answer, or a whole opening. */
export interface EvidenceReceipt {
  challenge: number
  /** `sliceEvidenceHash`: the one that the answer named; or `openingHash`. */
  evidence: Uint8Array
  /** Chain time when the last of it came. */
  at: number
  signature: Uint8Array
}

/** Signs that the operation is entry `seq` of the log, and when it came: a chain that drops it later is proven a liar. */
export function signReceipt(chainId: Uint8Array, keyPair: KeyPair, of: Omit<Receipt, 'signature'>): Receipt {
  const signature = signParts(keyPair.secretKey, DOMAIN, chainId, ...partsOf(of))
  return { ...of, signature }
}

/** Whether the chain signed this receipt. */
export function verifyReceipt(chainId: Uint8Array, chainKey: Uint8Array, receipt: Receipt): boolean {
  return verifyParts(chainKey, receipt.signature, DOMAIN, chainId, ...partsOf(receipt))
}

function partsOf({ seq, operation, entry, at, clock, arrived }: Omit<Receipt, 'signature'>): HashPart[] {
  return [seq, operation, entry, at, clock, arrived ?? NOTHING]
}

/** Signs that all of this evidence has come: a chain that settles the challenge as if it had not is proven a liar. */
export function signEvidenceReceipt(
  chainId: Uint8Array,
  keyPair: KeyPair,
  of: Omit<EvidenceReceipt, 'signature'>,
  what: keyof typeof EVIDENCE_DOMAINS = 'answer'
): EvidenceReceipt {
  const domain = EVIDENCE_DOMAINS[what]
  const signature = signParts(keyPair.secretKey, domain, chainId, of.challenge, of.evidence, of.at)
  return { ...of, signature }
}

/** Whether the chain signed this receipt. */
export function verifyEvidenceReceipt(
  chainId: Uint8Array,
  chainKey: Uint8Array,
  { challenge, evidence, at, signature }: EvidenceReceipt,
  what: keyof typeof EVIDENCE_DOMAINS = 'answer'
): boolean {
  return verifyParts(chainKey, signature, EVIDENCE_DOMAINS[what], chainId, challenge, evidence, at)
}

/** Hash of a log entry: chained to the one before, and covering the operation and what it changed. */
export function entryHash(of: {
  previous: Uint8Array
  seq: number
  at: number
  clock: number
  arrived: number | null
  rulesVersion: number
  operation: Uint8Array
  effects: Uint8Array
}): Uint8Array {
  const { previous, seq, at, clock, arrived, rulesVersion, operation, effects } = of
  return hash(
    'datdot/entry/2',
    previous,
    seq,
    at,
    clock,
    arrived ?? NOTHING,
    rulesVersion,
    operation,
    effects
  )
}
