import { equal, toHex } from '../bytes.js'
import { verifyReceipt } from '../protocol/receipt.js'
import type { Receipt } from '../protocol/views.js'
import type { AuditFailure, PromisesReport } from './report.js'

/** What the chain said of its log to others, as far as the auditor was given it: receipts, and the hash of an entry. */
export class Promised {
  readonly report: PromisesReport = { held: 0, foreign: 0 }
  readonly #given: readonly Receipt[]
  /** By number of the entry; null until the chain is known. */
  #open: Map<number, Receipt[]> | null = null
  #head: Uint8Array | null

  constructor(receipts: readonly Receipt[], head: Uint8Array | undefined) {
    this.#given = receipts
    this.#head = head ?? null
  }

  /** Holds an entry of the log of this chain against what was said of it. */
  entry(
    chain: { chainId: Uint8Array; chainKey: Uint8Array },
    { seq, operation, hash }: { seq: number; operation: Uint8Array; hash: Uint8Array }
  ): AuditFailure | null {
    if (this.#head && equal(this.#head, hash)) this.#head = null
    this.#open ??= this.#ofChain(chain)
    for (const receipt of this.#open.get(seq) ?? []) {
      if (!equal(receipt.entry, hash) || !equal(receipt.operation, operation)) {
        const reason = `the chain signed at ${receipt.at} that entry ${toHex(receipt.entry)} is here`
        return { seq, code: 'RECEIPT_BROKEN', reason }
      }
      this.report.held++
    }
    this.#open.delete(seq)
    return null
  }

  /** What is missing of a log that ends after `length` entries. */
  end(length: number): AuditFailure | null {
    const [first] = [...(this.#open?.keys() ?? [])].sort((a, b) => a - b)
    if (first !== undefined) {
      const reason = `the chain signed that the log has entry ${first}, but it ends after ${length}`
      return { seq: first, code: 'RECEIPT_BROKEN', reason }
    }
    if (!this.#head) return null
    return {
      seq: null,
      code: 'HEAD_MISSING',
      reason: `no entry of the log has the hash ${toHex(this.#head)}`
    }
  }

  /** A receipt that this chain did not sign says nothing against it. */
  #ofChain({ chainId, chainKey }: { chainId: Uint8Array; chainKey: Uint8Array }): Map<number, Receipt[]> {
    const open = new Map<number, Receipt[]>()
    for (const receipt of this.#given) {
      if (!verifyReceipt(chainId, chainKey, receipt)) {
        this.report.foreign++
        continue
      }
      const known = open.get(receipt.seq)
      if (known) known.push(receipt)
      else open.set(receipt.seq, [receipt])
    }
    return open
  }
}
