import type { EvidenceIntake, EvidenceUpload } from '../../client/evidence-intake.js'
import { ChainError } from '../../errors.js'
import { toHex } from '../../bytes.js'
import type { Logger } from '../../log.js'
import type { TroubledInputs } from './troubled.js'

/** Who sends evidence. */
export interface Sender {
  /** The key that its connection was made with. */
  key: Uint8Array
  /** What `forget` is told when it is gone. */
  connection: object
  /** Aborted when it is gone. */
  signal: AbortSignal
}

/** One evidence on its way: being received, then waiting for its turn, then worked on. */
export interface Case<View> {
  readonly id: number
  readonly view: View
  readonly upload: EvidenceUpload
  readonly uploadId: number
  readonly connection: object
  /** All of it is here. */
  complete: boolean
}

/** Evidence that is announced. */
export interface Announced<View> {
  /** Of the challenge that it answers, or of the draw that was refused. */
  id: number
  view: View
  /** Chain time when the announcement came. */
  arrived: number
  bytes: number
  /** Bytes that it has at the least, and at the most. */
  least: number
  most: number
}

export interface InboxOptions<View> {
  intake: EvidenceIntake
  log: Logger
  /** Where the bytes of a case go that could not be worked on. */
  kept: Pick<TroubledInputs, 'add'>
  /** Chain time now, in ms. */
  time: () => number
  /** What an id is of, to be named in messages. */
  nameOf: (id: number) => string
  /** The latest chain time for evidence. */
  latest: (view: View) => number
  /** Looks at what has just become complete. What it throws is told to the sender, who may send again. */
  check?: (open: Case<View>) => Promise<void>
  /** Checks what is here and drops it in the end. What it throws is trouble of ours, and nobody else's. */
  work: (cases: Case<View>[]) => Promise<void>
  /** Calls of `work` at a time, cases in one, and the bytes at which one ends early. */
  calls: number
  casesPerCall: number
  bytesPerCall: number
  /** Cases that are remembered as not decided for a reason of ours. */
  troubled: number
}

/** Receives evidence piece by piece, one for each challenge or draw, and has it worked on in the order in which it was complete. */
export class EvidenceInbox<View> {
  readonly #options: InboxOptions<View>
  readonly #cases = new Map<number, Case<View>>()
  readonly #uploads = new Map<number, Case<View>>()
  readonly #working = new Set<Promise<void>>()
  readonly #troubled = new Set<number>()
  readonly #queue: Case<View>[] = []
  #nextUpload = 1
  #closed = false

  constructor(options: InboxOptions<View>) {
    this.#options = options
  }

  /** Whether all evidence is here, and is worked on or waits for that. */
  isTaken(id: number): boolean {
    return this.#cases.get(id)?.complete ?? false
  }

  /** Whether it could not be worked on for a reason of ours. */
  isTroubled(id: number): boolean {
    return this.#troubled.has(id)
  }

  /**
   * Whether evidence of this size is wanted now.
   *
   * @throws ChainError `EVIDENCE_NOT_ASKED`, `EVIDENCE_LATE`, `EVIDENCE_TOO_LARGE`
   */
  admit({ id, view, arrived, bytes, least, most }: Announced<View>): void {
    if (this.#closed || this.isTaken(id)) throw this.notAsked(id)
    if (arrived > this.#options.latest(view)) throw this.#late(id)
    if (bytes < least || bytes > most) {
      const name = this.#options.nameOf(id)
      throw new ChainError(
        'EVIDENCE_TOO_LARGE',
        `Evidence of ${name} has from ${least} to ${most} bytes, not ${bytes}`
      )
    }
  }

  /**
   * Makes room for evidence that was admitted, in place of an upload of it that is not complete. Returns the upload's number.
   *
   * @throws ChainError `CHAIN_BUSY`
   */
  begin({ id, view, bytes }: Announced<View>, { key, connection, signal }: Sender): number {
    // It may have gone while the ledger was asked, and would not be forgotten then.
    signal.throwIfAborted()
    this.giveUp(id)
    const upload = this.#options.intake.begin(bytes, toHex(key))
    const uploadId = this.#nextUpload++
    const opened = { id, view, upload, uploadId, connection, complete: false }
    this.#cases.set(id, opened)
    this.#uploads.set(uploadId, opened)
    return uploadId
  }

  /**
   * Takes the next piece of an upload; the last one hands it on. Returns what it is a piece of.
   *
   * @throws ChainError `EVIDENCE_UPLOAD` for an upload that is not known (any more), `EVIDENCE_LATE`,
   *   `EVIDENCE_ORDER`, `EVIDENCE_TOO_LARGE`
   */
  async piece(connection: object, upload: number, offset: number, bytes: Uint8Array): Promise<Case<View>> {
    const open = this.#uploads.get(upload)
    if (!open || open.connection !== connection) {
      throw new ChainError('EVIDENCE_UPLOAD', 'There is no such upload: begin it again')
    }
    // The time of arrival counts, not that of the disk.
    if (this.#options.time() > this.#options.latest(open.view)) {
      this.drop(open)
      throw this.#late(open.id)
    }
    await open.upload.write(offset, bytes)
    if (open.upload.complete && !open.complete && this.#uploads.delete(upload)) await this.#complete(open)
    return open
  }

  async #complete(open: Case<View>): Promise<void> {
    open.complete = true
    try {
      await this.#options.check?.(open)
    } catch (error) {
      this.drop(open)
      throw error
    }
    this.#queue.push(open)
    this.#work()
  }

  /** Gives up the incomplete uploads of a connection that is gone. */
  forget(connection: object): void {
    for (const open of this.#uploads.values()) if (open.connection === connection) this.drop(open)
  }

  /** Gives up what is here of an evidence that is not complete. */
  giveUp(id: number): void {
    const open = this.#cases.get(id)
    if (open && !open.complete) this.drop(open)
  }

  /** Gives a case up, or is done with it. */
  drop(open: Case<View>): void {
    if (this.#cases.get(open.id) === open) this.#cases.delete(open.id)
    this.#uploads.delete(open.uploadId)
    open.upload.discard().catch((error: unknown) => {
      this.#options.log('chain.evidence-discard-failed', { error: error as Error })
    })
  }

  /** Our own trouble with a case: it is dropped, its bytes kept to be looked into, and what becomes of it is up to its deadline. */
  async trouble(open: Case<View>, error: unknown): Promise<void> {
    const { log, nameOf, troubled, kept } = this.#options
    this.#troubled.add(open.id)
    const of = nameOf(open.id)
    const file = await kept.add(of, open.upload)
    log('chain.evidence-trouble', { of, file, error: error as Error })
    if (this.#troubled.size > troubled) {
      const [oldest] = this.#troubled
      this.#troubled.delete(oldest as number)
    }
    this.drop(open)
  }

  notAsked(id: number): ChainError {
    return new ChainError(
      'EVIDENCE_NOT_ASKED',
      `No evidence of ${this.#options.nameOf(id)} is expected from this key`
    )
  }

  /** Gives up what is not complete, and waits for the work on what is. */
  async close(): Promise<void> {
    this.#closed = true
    for (const open of this.#uploads.values()) this.drop(open)
    while (this.#working.size > 0) await Promise.all(this.#working)
  }

  #work(): void {
    const { calls, work } = this.#options
    while (this.#working.size < calls && this.#queue.length > 0) {
      const batch = this.#next()
      const working = work(batch)
        .catch(async (error: unknown) => {
          for (const open of batch) await this.trouble(open, error)
        })
        .finally(() => {
          this.#working.delete(working)
          this.#work()
        })
      this.#working.add(working)
    }
  }

  #next(): Case<View>[] {
    const { casesPerCall, bytesPerCall } = this.#options
    let bytes = 0
    let end = 0
    for (const { upload } of this.#queue) {
      bytes += upload.byteLength
      if (end > 0 && (end >= casesPerCall || bytes > bytesPerCall)) break
      end++
    }
    return this.#queue.splice(0, end)
  }

  #late(id: number): ChainError {
    return new ChainError('EVIDENCE_LATE', `The time for evidence of ${this.#options.nameOf(id)} is over`)
  }
}
