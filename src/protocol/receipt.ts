import { hash } from '#crypto/hash.js'
import { signParts, verifyParts, type KeyPair } from '#crypto/keys.js'
import type { Receipt } from './views.js'

const DOMAIN = 'datdot/receipt/1'

/** Signs that the operation is entry `seq` of the log: a chain that drops it later is proven a liar. */
export function signReceipt(chainId: Uint8Array, keyPair: KeyPair, of: Omit<Receipt, 'signature'>): Receipt {
  const signature = signParts(keyPair.secretKey, DOMAIN, chainId, of.seq, of.operation, of.entry, of.at)
  return { ...of, signature }
}

/** Whether the chain signed this receipt. */
export function verifyReceipt(chainId: Uint8Array, chainKey: Uint8Array, receipt: Receipt): boolean {
  const { seq, operation, entry, at, signature } = receipt
  return verifyParts(chainKey, signature, DOMAIN, chainId, seq, operation, entry, at)
}

/** Hash of a log entry: chained to the one before, and covering the operation and what it changed. */
export function entryHash(of: {
  previous: Uint8Array
  seq: number
  at: number
  rulesVersion: number
  operation: Uint8Array
  effects: Uint8Array
}): Uint8Array {
  return hash('datdot/entry/1', of.previous, of.seq, of.at, of.rulesVersion, of.operation, of.effects)
}
