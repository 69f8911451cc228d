import { EventEmitter } from 'node:events'
import type { Clock } from '../../src/clock.js'
import type { PeerStream } from '../../src/swarm/peer-stream.js'

/** What the network is like for one who takes part. */
export interface Line {
  /** One way, in ms. */
  delayMs: number
  /** Share of messages that have to be sent again. */
  loss: number
  /** Nothing goes through. */
  cut: boolean
}

/** What a lost message costs: the sender notices and sends it again. */
const RESEND_MS = 250
/** A connection on which nothing goes through any more is given up. */
const GIVE_UP_MS = 20_000

/** One end of a connection whose messages travel on a virtual clock; what Protomux asks of a stream, and no more. */
class Wire extends EventEmitter implements PeerStream {
  userData: unknown = null
  destroyed = false
  readonly remotePublicKey: Buffer
  other!: Wire
  #last = 0
  readonly #carry: (wire: Wire, bytes: Buffer) => void

  constructor(remotePublicKey: Buffer, carry: (wire: Wire, bytes: Buffer) => void) {
    super()
    this.remotePublicKey = remotePublicKey
    this.#carry = carry
  }

  write(bytes: Buffer): boolean {
    if (!this.destroyed) this.#carry(this, bytes)
    return true
  }

  /** When what is sent now arrives: in order. */
  arrival(at: number): number {
    this.#last = Math.max(this.#last, at)
    return this.#last
  }

  pause(): void {}
  resume(): void {}

  end(): void {
    this.destroy()
  }

  destroy(): this {
    if (this.destroyed) return this
    this.destroyed = true
    this.emit('close')
    this.removeAllListeners()
    this.other.destroy()
    return this
  }
}

/** Connections of parties to the chain, each over a line of its own, with delay, loss and cuts: all of it on a virtual clock. */
export class VirtualWires {
  readonly #clock: Clock
  readonly #chance: () => number
  readonly #chainKey: Buffer
  readonly #open = new Set<{ line: Line; wire: Wire }>()
  #accept: ((connection: PeerStream) => void) | null = null

  /** @param chance numbers in [0, 1), for losses */
  constructor(chainKey: Buffer, clock: Clock, chance: () => number) {
    this.#chainKey = chainKey
    this.#clock = clock
    this.#chance = chance
  }

  /** Hands connections to the chain; null: it is away, and all connections are lost. */
  listen(accept: ((connection: PeerStream) => void) | null): void {
    this.#accept = accept
    if (!accept) for (const { wire } of [...this.#open]) wire.destroy()
  }

  /** A party connects; where its line is cut, or no chain there, nothing comes of it. */
  connect(publicKey: Buffer, line: Line): PeerStream {
    const carry = (from: Wire, bytes: Buffer): void => this.#carry(line, from, bytes)
    const ours = new Wire(this.#chainKey, carry)
    const theirs = new Wire(publicKey, carry)
    ours.other = theirs
    theirs.other = ours
    const open = { line, wire: ours }
    this.#open.add(open)
    ours.once('close', () => this.#open.delete(open))
    // A handshake: there and back, and there again. What is written before goes out after it.
    const handshakeMs = 3 * line.delayMs
    ours.arrival(this.#clock.now() + handshakeMs + 1)
    this.#clock.after(handshakeMs, () => {
      if (ours.destroyed) return
      if (this.#accept && !line.cut) this.#accept(theirs)
      else ours.destroy()
    })
    return ours
  }

  /** All connections over a line are lost, as when the process at its end dies. */
  hangUp(line: Line): void {
    for (const { line: its, wire } of [...this.#open]) if (its === line) wire.destroy()
  }

  #carry(line: Line, from: Wire, bytes: Buffer): void {
    const now = this.#clock.now()
    if (line.cut) {
      this.#clock.after(GIVE_UP_MS, () => from.destroy())
      return
    }
    let delay = line.delayMs
    while (line.loss > 0 && this.#chance() < line.loss) delay += RESEND_MS
    // Protomux writes over its buffers.
    const copy = Buffer.from(bytes)
    this.#clock.after(from.arrival(now + delay) - now, () => {
      if (!from.other.destroyed) from.other.emit('data', copy)
    })
  }
}
