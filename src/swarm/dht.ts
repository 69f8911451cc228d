import HyperDHT from 'hyperdht'
import { Resource } from '../lifecycle.js'
import { leave } from './leave.js'

/** Where a peer finds the others. */
export interface Network {
  bootstrap: HyperDHT.Address[]
  /** Address to bind that others reach without a NAT; `127.0.0.1` on a private DHT, else left out. */
  host?: string | undefined
}

const LOOPBACK = '127.0.0.1'
/** Nodes of a private DHT: enough for announcements to have a home besides the bootstrapper. */
const PRIVATE_NODES = 3

/** A DHT node of one's own. The caller destroys it. */
export function createDht({ bootstrap, host }: Network): HyperDHT {
  // Where there is no NAT a node must say so: it would wait for hole punching that loopback never needs.
  return new HyperDHT({ bootstrap, ...(host === undefined ? {} : { host, firewalled: false }) })
}

/** A DHT that lives on loopback only. */
export class PrivateDht extends Resource {
  readonly network: Network = { bootstrap: [], host: LOOPBACK }

  protected async start(): Promise<void> {
    const { bootstrap } = this.network
    for (let nodes = 0; nodes < PRIVATE_NODES; nodes++) {
      const own = { host: LOOPBACK, ephemeral: false, firewalled: false }
      const node = new HyperDHT({ bootstrap: [...bootstrap], ...own })
      this.owe('node', () => leave(node))
      await node.fullyBootstrapped()
      if (bootstrap.length === 0) bootstrap.push({ host: LOOPBACK, port: node.address().port })
    }
  }
}

/** Whether all of these addresses, of which there must be one, are loopback: the DHT is a private one of this machine. */
export function isLoopback(bootstrap: HyperDHT.Address[]): boolean {
  return bootstrap.length > 0 && bootstrap.every(({ host }) => host === LOOPBACK || host === 'localhost')
}
