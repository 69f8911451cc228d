import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import type { KeyPair } from '../../src/crypto/keys.js'
import type { PeerStream } from '../../src/swarm/peer-stream.js'

/** One end of an encrypted connection, and the pipe below it. */
interface End extends PeerStream {
  readonly rawStream: Duplex
  once(event: 'close' | 'connect', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'data', listener: () => void): unknown
}

// hypercore's types do not have it: the stream that it replicates over, here without its timers.
const Hypercore = createRequire(import.meta.url)('hypercore') as {
  createProtocolStream(
    isInitiator: boolean,
    options: { keyPair: KeyPair; keepAlive: false }
  ): { noiseStream: End }
}

/**
 * One listener and those who connect to it, over pairs of the streams that hyperdht encrypts with, in memory: nothing here takes
 * time, or depends on it.
 */
export class MemoryNetwork {
  readonly #keyPair: KeyPair
  readonly #stir: () => void
  readonly #open = new Set<End>()
  #accept: ((connection: PeerStream) => void) | null = null

  /** @param stir is told whenever bytes travel */
  constructor(keyPair: KeyPair, stir: () => void) {
    this.#keyPair = keyPair
    this.#stir = stir
  }

  /** Hands connections to the listener; null: there is none. */
  listen(accept: ((connection: PeerStream) => void) | null): void {
    this.#accept = accept
  }

  connect(keyPair: KeyPair): PeerStream {
    const ours = this.#end(true, keyPair)
    const theirs = this.#end(false, this.#keyPair)
    ours.rawStream.pipe(theirs.rawStream).pipe(ours.rawStream)
    theirs.once('connect', () => {
      if (this.#accept) this.#accept(theirs)
      else theirs.destroy()
    })
    return ours
  }

  /** All connections are lost. */
  cut(): void {
    for (const end of this.#open) end.destroy()
  }

  #end(isInitiator: boolean, keyPair: KeyPair): End {
    const { noiseStream } = Hypercore.createProtocolStream(isInitiator, { keyPair, keepAlive: false })
    this.#open.add(noiseStream)
    noiseStream.on('error', () => {})
    noiseStream.once('close', () => {
      this.#open.delete(noiseStream)
      this.#stir()
    })
    noiseStream.on('data', () => this.#stir())
    return noiseStream
  }
}
