import { ChainError, DatdotError, SwarmError } from '../errors.js'
import type { LedgerApi, SubmitResult } from '../ledger/types.js'
import { decodeOperation, operationHash, unsignedBytes } from '../protocol/operations.js'
import { turn } from '../wait.js'
import { NONCE_CODE } from '../client/submit-queue.js'
import type { Receipt } from '../protocol/views.js'
import { toHex } from '../bytes.js'

/** Operations, and bytes of them, in one transaction; more wait for the next one. */
const BATCH = 2048
const BATCH_BYTES = 16 << 20
/** Bytes of operations that may wait. */
const WAITING_BYTES = 256 << 20
/** From this many signatures on they are checked on other threads. */
const ELSEWHERE = 32
/** Operations that are remembered by hash, so that the same bytes sent twice get the same receipt. */
const REMEMBERED = 65_536

/** Checks signatures on other threads: one byte an operation, as `verifySignatures` gives. */
export type SignatureCheck = (wires: readonly Uint8Array[]) => Promise<Uint8Array>

interface Waiting {
  wires: readonly Uint8Array[]
  again: boolean
  resolve: (results: SubmitResult[]) => void
  reject: (error: unknown) => void
}

/**
 * Operations on their way into the ledger. What arrives together is applied in one transaction, so that one
 * flush to disk serves many senders.
 */
export class Submissions {
  readonly #ledger: Pick<LedgerApi, 'submit' | 'chainId'>
  readonly #check: SignatureCheck | undefined
  readonly #onCommit: (length: number) => void
  readonly #receipts = new Map<string, Receipt>()
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #running: Promise<void> | null = null
  #closed = false

  /**
   * @param onCommit is told when the log has grown, and to what length
   * @param recent receipts of what an earlier process committed last, and may not have been able to answer
   */
  constructor(
    ledger: Pick<LedgerApi, 'submit' | 'chainId'>,
    onCommit: (length: number) => void,
    check?: SignatureCheck,
    recent: Iterable<Receipt> = []
  ) {
    for (const receipt of recent) this.#receipts.set(toHex(receipt.operation), receipt)
    this.#ledger = ledger
    this.#onCommit = onCommit
    this.#check = check
  }

  /**
   * Applies operations in order, once what came before them is applied.
   *
   * @param again they may have been applied already: then they get the receipt that their sender missed
   * @throws ChainError `CHAIN_BUSY` if too much waits already; SwarmError `RPC_CLOSED` once this was closed
   */
  add(wires: readonly Uint8Array[], again = false): Promise<SubmitResult[]> {
    if (this.#closed) throw new SwarmError('RPC_CLOSED', 'The chain is closing')
    const bytes = sizeOf(wires)
    if (this.#waitingBytes + bytes > WAITING_BYTES) {
      throw new ChainError('CHAIN_BUSY', 'The chain has more operations waiting than it can hold: try again')
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ wires, again, resolve, reject })
      this.#waitingBytes += bytes
      this.#running ??= this.#run().finally(() => (this.#running = null))
    })
  }

  /** Takes nothing more, and waits for what has been added. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // One turn of the event loop: all that arrived in it goes into one transaction.
      await turn()
      const batch = this.#take()
      try {
        const wires = batch.flatMap((waiting) => waiting.wires)
        const verified = this.#check && wires.length >= ELSEWHERE ? await this.#check(wires) : undefined
        const results = await this.#ledger.submit(wires, verified)
        let from = 0
        for (const { wires, again, resolve } of batch) {
          resolve(wires.map((wire, i) => this.#remember(wire, again, results[from + i] as SubmitResult)))
          from += wires.length
        }
        const last = results.findLast(({ ok }) => ok)
        if (last?.ok) this.#onCommit(last.receipt.seq + 1)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
  }

  #take(): Waiting[] {
    let count = 0
    let bytes = 0
    let end = 0
    for (const { wires } of this.#waiting) {
      count += wires.length
      bytes += sizeOf(wires)
      if (end > 0 && (count > BATCH || bytes > BATCH_BYTES)) break
      end++
    }
    const batch = this.#waiting.splice(0, end)
    for (const { wires } of batch) this.#waitingBytes -= sizeOf(wires)
    return batch
  }

  /** A sender that lost its connection sends the same bytes again, and gets the receipt it missed. */
  #remember(wire: Uint8Array, again: boolean, result: SubmitResult): SubmitResult {
    if (result.ok) {
      this.#receipts.set(toHex(result.receipt.operation), result.receipt)
      if (this.#receipts.size > REMEMBERED) {
        const [oldest] = this.#receipts.keys()
        this.#receipts.delete(oldest as string)
      }
      return result
    }
    if (!again || result.error.code !== NONCE_CODE) return result
    const receipt = this.#receipts.get(hashOf(this.#ledger.chainId, wire) ?? '')
    return receipt ? { ok: true, receipt } : result
  }
}

function hashOf(chainId: Uint8Array, wire: Uint8Array): string | undefined {
  try {
    return toHex(operationHash(chainId, unsignedBytes(decodeOperation(wire))))
  } catch (error) {
    if (error instanceof DatdotError) return undefined
    throw error
  }
}

function sizeOf(wires: readonly Uint8Array[]): number {
  return wires.reduce((sum, wire) => sum + wire.byteLength, 0)
}
