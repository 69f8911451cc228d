import type { ChainClient } from '../client/client.js'
import type { Registration } from './member.js'

/** A role that takes part in a network from when it joins until it is closed. */
export interface Participant {
  /** Whose identity that is, once it is open. */
  readonly publicKey: Buffer
  /** Its connection to the chain, once it is open. */
  readonly chain: ChainClient
  /** How many hypercores it serves. */
  readonly hypercores: number
  /** Opens its folder: identity and all that it keeps. */
  ready(): Promise<void>
  /** Registers with the chain and begins to work. */
  join(): Promise<void>
  /** Has the chain know another capacity and a higher deposit. */
  change(registration: Registration): void
  close(): Promise<void>
}
