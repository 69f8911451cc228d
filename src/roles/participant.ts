import type { ChainClient } from '../client/client.js'
import type { ConnectionLimits } from '../swarm/host.js'
import type { Registration } from './member.js'
import type { Choice } from './pinner/choice.js'

/** What of a role may change while it runs. */
export interface RoleChange {
  registration: Registration
  /** Of a pinner: which hypercores it takes, all if undefined; and how many connections it holds. */
  choice?: Choice | undefined
  connections?: ConnectionLimits | undefined
}

/** A role that takes part in a network from when it joins until it is closed. */
export interface Participant {
  /** Whose identity that is, once it is open. */
  readonly publicKey: Buffer
  /** Its connection to the chain, once it is open. */
  readonly chain: ChainClient
  /** How many hypercores it serves. */
  readonly hypercores: number
  /** Why it does not do all of its work now though it goes on, in words; null if it does. */
  readonly trouble: string | null
  /** Opens its folder: identity and all that it keeps. */
  ready(): Promise<void>
  /** Registers with the chain and begins to work. */
  join(): Promise<void>
  /** Takes over other settings, and has the chain know another capacity and a higher deposit. */
  change(change: RoleChange): void
  close(): Promise<void>
}
