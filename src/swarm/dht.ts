import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import HyperDHT from 'hyperdht'
import { InputError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { leave } from './leave.js'

/** Where a peer finds the others. */
export interface Network {
  /** Nodes of a private DHT; none of them: the public one. */
  bootstrap: HyperDHT.Address[]
  /** Address to bind that others reach without a NAT; `127.0.0.1` on a private DHT of one machine, else left out. */
  host?: string | undefined
  /** UDP port of whoever is to be reached at it; any other node takes one that is free. */
  port?: number | undefined
  /** Whether a NAT or a firewall is in the way. If left out: not where there is a `host`, else it is found out. */
  firewalled?: boolean | undefined
}

const LOOPBACK = '127.0.0.1'
/** Nodes of a private DHT: enough for announcements to have a home besides the bootstrapper. */
const PRIVATE_NODES = 3

/**
 * A DHT node of one's own. The caller destroys it.
 *
 * @throws InputError DHT_PRIVATE_ONLY for the public DHT while DATDOT_PRIVATE_ONLY=1
 */
export function createDht(network: Network): HyperDHT {
  return new HyperDHT(nodeOptions(network))
}

/**
 * A DHT node at the network's own port, for who is to be reached there. The caller destroys it.
 *
 * @throws as `createDht`, and InputError PORT_IN_USE
 */
export async function createReachableDht(network: Network): Promise<HyperDHT> {
  const { port, host = '0.0.0.0' } = network
  if (port === undefined) return createDht(network)
  // A node that cannot bind its port leaves sockets behind: it is tried before.
  const trial = createSocket('udp4')
  try {
    trial.bind({ port, address: host, exclusive: true })
    await once(trial, 'listening')
  } catch (error) {
    const { message } = error as Error
    throw new InputError(
      'PORT_IN_USE',
      `UDP port ${port} of ${host} cannot be had: ${message}; choose another --port`,
      {
        cause: error
      }
    )
  } finally {
    trial.close()
  }
  return new HyperDHT({ ...nodeOptions(network), port, anyPort: false })
}

function nodeOptions({ bootstrap, host, firewalled }: Network): HyperDHT.Options {
  if (bootstrap.length === 0 && process.env.DATDOT_PRIVATE_ONLY === '1') {
    throw new InputError(
      'DHT_PRIVATE_ONLY',
      'DATDOT_PRIVATE_ONLY=1 keeps programs off the public DHT; give nodes of a private one with --bootstrap'
    )
  }
  // Where there is no NAT a node must say so: it would wait for hole punching that loopback never needs.
  const open = firewalled ?? (host === undefined ? undefined : false)
  return {
    ...(bootstrap.length > 0 && { bootstrap }),
    ...(host !== undefined && { host }),
    ...(open !== undefined && { firewalled: open })
  }
}

/** A DHT that lives on loopback only. */
export class PrivateDht extends Resource {
  readonly network: Network = { bootstrap: [], host: LOOPBACK }
  readonly #port: number | undefined

  /** @param port that its first node has if nobody else does */
  constructor(port?: number) {
    super()
    this.#port = port
  }

  protected async start(): Promise<void> {
    const { bootstrap } = this.network
    for (let nodes = 0; nodes < PRIVATE_NODES; nodes++) {
      const own = { host: LOOPBACK, ephemeral: false, firewalled: false }
      // Not the usual port of the DHT, which the next program on this machine takes.
      const port: number | [number, number] = nodes === 0 && this.#port !== undefined ? this.#port : [0, 0]
      const node = new HyperDHT({ bootstrap: [...bootstrap], ...own, port })
      this.owe('node', () => leave(node))
      await node.fullyBootstrapped()
      if (bootstrap.length === 0) bootstrap.push({ host: LOOPBACK, port: node.address().port })
    }
  }
}

/** The network that these nodes belong to; on loopback, where there is no NAT, without being told. */
export function networkAt(bootstrap: HyperDHT.Address[], rest: Omit<Network, 'bootstrap'> = {}): Network {
  return { bootstrap, ...rest, host: rest.host ?? (isLoopback(bootstrap) ? LOOPBACK : undefined) }
}

/** Whether all of these addresses, of which there must be one, are loopback: the DHT is a private one of this machine. */
export function isLoopback(bootstrap: HyperDHT.Address[]): boolean {
  return bootstrap.length > 0 && bootstrap.every(({ host }) => host === LOOPBACK || host === 'localhost')
}
