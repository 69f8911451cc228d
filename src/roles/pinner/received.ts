import type { SignedRecord } from '../../protocol/hand-over.js'
import type { ChunkRun } from '../../engine/engine.js'
import { ProofError } from '../../errors.js'
import type { SegmentItem } from '../../swarm/segment-channel.js'
import { unlessAborted } from '../../wait.js'
import type { Arrivals } from './segment-fault.js'

/** Keeps the encoded chunks of a transfer, and the roots signed over them, until their decoded forms come out of the engine. */
export class Received implements Arrivals {
  /** The signer's last checkpoint, once it came. */
  end: Buffer | undefined
  readonly #items: AsyncGenerator<SegmentItem, void, void>
  readonly #read: (checkpoint: Uint8Array) => SignedRecord
  readonly #chunks: Uint8Array[] = []
  #checkpoints: SignedRecord[] = []
  /** Chunks of the segment that were taken. */
  #taken: number
  /** Chunks of the segment that the last checkpoint covers. */
  #covered: number
  readonly #stop: AbortSignal
  #turn: Promise<unknown> = Promise.resolve()

  /** @param taken chunks of the segment that came before; `read` checks who signed a checkpoint; `stop` ends it with its reason */
  constructor(
    items: AsyncGenerator<SegmentItem, void, void>,
    taken: number,
    read: (checkpoint: Uint8Array) => SignedRecord,
    stop: AbortSignal = new AbortController().signal
  ) {
    this.#items = items
    this.#taken = taken
    this.#covered = taken
    this.#read = read
    this.#stop = stop
  }

  get waiting(): number {
    return this.#chunks.length
  }

  get checkpoints(): readonly SignedRecord[] {
    return this.#checkpoints
  }

  /** What is left when this is not read to its end can still be had with `pull`. */
  async *runs(): AsyncGenerator<ChunkRun, void, void> {
    for (let item = await this.#next(); item; item = await this.#next())
      if (item.kind === 'chunks') yield item
  }

  take(count: number): Uint8Array[] {
    const taken = this.#chunks.splice(0, count)
    this.#taken += taken.length
    return taken
  }

  /** The checkpoints that cover no more than the chunks taken so far, in order. */
  covered(): SignedRecord[] {
    return this.#checkpoints.filter(({ record }) => record.chunks <= this.#taken)
  }

  /** Forgets the checkpoints that cover no more than the chunks taken so far. */
  forgetCheckpoints(): void {
    this.#checkpoints = this.#checkpoints.filter(({ record }) => record.chunks > this.#taken)
  }

  async pull(): Promise<boolean> {
    return (await this.#next()) !== undefined
  }

  #next(): Promise<SegmentItem | undefined> {
    const next = this.#turn.then(() => this.#receive())
    this.#turn = next.catch(() => {})
    return next
  }

  async #receive(): Promise<SegmentItem | undefined> {
    const { value: item } = await unlessAborted(this.#items.next(), this.#stop)
    if (!item) return undefined
    if (item.kind === 'chunks') {
      let at = 0
      for (const length of Array.from(item.lengths))
        this.#chunks.push(item.bytes.subarray(at, (at += length)))
      return item
    }
    const checkpoint = this.#read(item.checkpoint)
    const arrived = this.#taken + this.#chunks.length
    if (item.kind === 'end') this.end = Buffer.from(item.checkpoint)
    if (checkpoint.record.chunks !== arrived) {
      throw new ProofError(
        'SEGMENT_ROOT',
        `a root of ${checkpoint.record.chunks} chunks came after ${arrived}`
      )
    }
    // Each that is kept covers something new, so there are never more of them than of chunks.
    if (arrived > this.#covered) this.#checkpoints.push(checkpoint)
    this.#covered = Math.max(this.#covered, arrived)
    return item
  }
}
