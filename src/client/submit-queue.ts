import { SwarmError, rejectionOf, type ErrorCode } from '../errors.js'
import { DETAIL_BYTES_MAX } from '../protocol/operations.js'
import type { Receipt } from '../protocol/views.js'
import type { SubmitMessage } from '../protocol/rpc/messages.js'

/** Operations in one request, their bytes, and operations that may wait. */
const BATCH = 64
const BATCH_BYTES = DETAIL_BYTES_MAX
const WAITING_MAX = 100_000
/** How often an operation is signed anew because its nonce was taken. */
const ATTEMPTS = 8

/** What the chain says of an operation whose nonce is not the next one. */
export const NONCE_CODE: ErrorCode = 'NONCE_WRONG'

/** What the chain says of an operation that names an entry too far back. */
const OLD_CODE: ErrorCode = 'ANCHOR_OLD'

export interface SubmitPorts {
  /** @param old what the client signs over lies too far back */
  nonce(signal: AbortSignal, old: boolean): Promise<number>
  /** Sends the wires; the same ones again if the connection is lost. */
  submit(wires: Uint8Array[], signal: AbortSignal): Promise<SubmitMessage[]>
}

interface Waiting {
  sign: (nonce: number) => Uint8Array
  resolve: (result: { receipt: Receipt; wire: Buffer }) => void
  reject: (error: unknown) => void
  signal: AbortSignal | undefined
  attempts: number
}

/**
 * One sender's operations on their way to the chain: in order, several in one request, each with the nonce
 * after the one before. Where a nonce is not the chain's (another process used the key, or an operation before
 * was refused), or what was signed over is too old, it is asked for and the operation signed again.
 */
export class SubmitQueue {
  readonly #ports: SubmitPorts
  readonly #closed: AbortSignal
  #waiting: Waiting[] = []
  #nonce: number | null = null
  #old = false
  #running = false

  /** @param closed ends what waits, with its reason */
  constructor(ports: SubmitPorts, closed: AbortSignal) {
    this.#ports = ports
    this.#closed = closed
  }

  /** @throws ChainError with the chain's code; SwarmError `SUBMIT_QUEUE` if too many wait already */
  add(
    sign: (nonce: number) => Uint8Array,
    signal?: AbortSignal
  ): Promise<{ receipt: Receipt; wire: Buffer }> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      this.#closed.throwIfAborted()
      if (this.#waiting.length >= WAITING_MAX) {
        throw new SwarmError('SUBMIT_QUEUE', `${WAITING_MAX} operations wait for the chain already`)
      }
      this.#waiting.push({ sign, resolve, reject, signal, attempts: 0 })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      for (let next = this.#take(); next.length > 0; next = this.#take()) await this.#send(next)
    } finally {
      this.#running = false
    }
  }

  #take(): Waiting[] {
    const taken: Waiting[] = []
    while (taken.length < BATCH) {
      const next = this.#waiting.shift()
      if (!next) break
      // Only what was not sent yet can be taken back.
      if (next.signal?.aborted) next.reject(next.signal.reason)
      else taken.push(next)
    }
    return taken
  }

  async #send(batch: Waiting[]): Promise<void> {
    const sent: { waiting: Waiting; wire: Uint8Array }[] = []
    try {
      this.#nonce ??= await this.#ports.nonce(this.#closed, this.#old)
      this.#old = false
      let bytes = 0
      while (batch.length > 0) {
        const waiting = batch[0] as Waiting
        const wire = this.#sign(waiting, this.#nonce + sent.length)
        if (wire && sent.length > 0 && (bytes += wire.byteLength) > BATCH_BYTES) break
        batch.shift()
        if (wire) sent.push({ waiting, wire })
      }
      this.#waiting.unshift(...batch)
      if (sent.length > 0) await this.#submit(sent)
    } catch (error) {
      this.#nonce = null
      for (const waiting of sent.length > 0 ? sent.map((one) => one.waiting) : batch) waiting.reject(error)
    }
  }

  #sign(waiting: Waiting, nonce: number): Uint8Array | null {
    try {
      return waiting.sign(nonce)
    } catch (error) {
      waiting.reject(error)
      return null
    }
  }

  async #submit(sent: { waiting: Waiting; wire: Uint8Array }[]): Promise<void> {
    const results = await this.#ports.submit(
      sent.map(({ wire }) => wire),
      this.#closed
    )
    if (results.length !== sent.length)
      throw new SwarmError('RPC_PROTOCOL', 'Not one result for each operation')
    const again: Waiting[] = []
    for (const [i, { receipt, code, message }] of results.entries()) {
      const { waiting, wire } = sent[i] as { waiting: Waiting; wire: Buffer }
      if (receipt) {
        if (this.#nonce !== null) this.#nonce++
        waiting.resolve({ receipt, wire })
      } else if ((code === NONCE_CODE || code === OLD_CODE) && ++waiting.attempts < ATTEMPTS) {
        this.#old ||= code === OLD_CODE
        again.push(waiting)
      } else {
        waiting.reject(rejectionOf(code, message))
      }
    }
    if (again.length > 0) {
      // The first of them may be the chain's fault or ours; the others only followed a refused one.
      this.#nonce = null
      this.#waiting.unshift(...again)
    }
  }
}
