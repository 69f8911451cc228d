import HyperDHT from 'hyperdht'
import { leave } from './leave.js'

/** Where a peer finds the others. */
export interface Network {
  bootstrap: HyperDHT.Address[]
  /** Address to bind that others reach without a NAT; `127.0.0.1` on a private DHT, else left out. */
  host?: string | undefined
}

/** Nodes of a private DHT: enough for announcements to have a home besides the bootstrapper. */
const PRIVATE_NODES = 3

/** A DHT node of one's own. The caller destroys it. */
export function createDht({ bootstrap, host }: Network): HyperDHT {
  // Where there is no NAT a node must say so: it would wait for hole punching that loopback never needs.
  return new HyperDHT({ bootstrap, ...(host === undefined ? {} : { host, firewalled: false }) })
}

/** Starts a DHT that lives on loopback only. */
export async function startPrivateDht(): Promise<{ network: Network; close: () => Promise<void> }> {
  const host = '127.0.0.1'
  const bootstrap: HyperDHT.Address[] = []
  const nodes: HyperDHT[] = []
  const close = async (): Promise<void> => {
    for (const node of nodes.reverse()) await leave(node)
  }
  try {
    while (nodes.length < PRIVATE_NODES) {
      const node = new HyperDHT({ bootstrap: [...bootstrap], host, ephemeral: false, firewalled: false })
      nodes.push(node)
      await node.fullyBootstrapped()
      if (bootstrap.length === 0) bootstrap.push({ host, port: node.address().port })
    }
    return { network: { bootstrap, host }, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Whether all of these addresses, of which there must be one, are loopback: the DHT is a private one of this machine. */
export function isLoopback(bootstrap: HyperDHT.Address[]): boolean {
  return bootstrap.length > 0 && bootstrap.every(({ host }) => host === '127.0.0.1' || host === 'localhost')
}
