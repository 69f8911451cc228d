import type { ChainClient } from '../client/client.js'
import type { ChainSource } from './source.js'

/** A chain that is asked over the swarm, by the client that one of its members has now; evidence stays where it is public. */
export function clientSource(client: () => ChainClient): ChainSource {
  return {
    chain: async () => (await client().info()).chain,
    parameters: async () => (await client().info()).parameters,
    summary: () => client().summary(),
    account: (key) => client().account(key),
    hypercore: (key) => client().hypercore(key),
    copy: (id) => client().copy(id),
    challenge: (id) => client().challenge(id),
    follow: (from, signal) => client().log({ from, signal }),
    evidence: () => null
  }
}
