/// <reference path="../types/hypercore.d.ts" preserve="true" />
/// <reference path="../types/corestore.d.ts" preserve="true" />
/// <reference path="../types/hyperdht.d.ts" preserve="true" />
/**
 * `datdot/client`: talking to a chain over the DHT, and following the log that it publishes as a hypercore. Asking a chain
 * on a private DHT, where in this case there is none:
 *
 * ```js
 * import { keyPairFromSeed, randomBytes } from 'datdot'
 * import { ChainClient, PrivateDht, createDht, systemClock } from 'datdot/client'
 *
 * const privateDht = new PrivateDht()
 * await privateDht.ready()
 * const dht = createDht(privateDht.network)
 * const keyPair = keyPairFromSeed(randomBytes(32))
 * const chainKey = randomBytes(32)
 * const connect = () => dht.connect(chainKey, { keyPair })
 * const chain = new ChainClient({ chainKey, keyPair, connect, clock: systemClock, random: Math.random })
 *
 * const info = await chain.info({ timeoutMs: 500 }).catch((error) => error.code)
 * console.log('the chain says:', info)
 * await chain.close()
 * await dht.destroy()
 * await privateDht.close()
 * ```
 *
 * @module
 */
export { ChainClient } from './client.js'
export type { ChainClientOptions, ChainEvent } from './client.js'
export { systemClock } from '../clock.js'
export type { Clock, Timer } from '../clock.js'
export type { PeerStream } from '../swarm/peer-stream.js'
export type { CallOptions, ConnectionOptions } from './connection.js'

export { chainCoreKey, chainCoreManifest } from './chain-cores.js'
export type { ChainCore } from './chain-cores.js'
export { followLog } from './published-log.js'
export type { FollowOptions } from './published-log.js'

export { PrivateDht, createDht } from '../swarm/dht.js'
export type { Network } from '../swarm/dht.js'
