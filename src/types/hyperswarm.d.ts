/** The part of hyperswarm 4 that datdot calls; it ships no types of its own. */
declare module 'hyperswarm' {
  import type { EventEmitter } from 'node:events'
  import type HyperDHT from 'hyperdht'

  namespace Hyperswarm {
    interface Discovery {
      flushed(): Promise<boolean>
      refresh(options?: { client?: boolean; server?: boolean }): Promise<void>
      destroy(): Promise<void>
    }
    interface PeerInfo {
      publicKey: Buffer
      topics: Buffer[]
      client: boolean
      ban(banned: boolean): void
    }
    interface Options {
      keyPair?: HyperDHT.KeyPair
      seed?: Buffer
      dht?: HyperDHT
      bootstrap?: (HyperDHT.Address | string)[]
      maxPeers?: number
      maxClientConnections?: number
      maxServerConnections?: number
      maxParallel?: number
      firewall?: (remotePublicKey: Buffer, remotePayload?: unknown) => boolean
    }
  }

  class Hyperswarm extends EventEmitter {
    constructor(options?: Hyperswarm.Options)
    readonly keyPair: HyperDHT.KeyPair
    readonly dht: HyperDHT
    readonly connections: Set<HyperDHT.Connection>
    readonly peers: Map<string, Hyperswarm.PeerInfo>
    readonly destroyed: boolean
    on(
      event: 'connection',
      listener: (connection: HyperDHT.Connection, info: Hyperswarm.PeerInfo) => void
    ): this
    on(event: 'update', listener: () => void): this
    join(
      topic: Uint8Array,
      options?: { client?: boolean; server?: boolean; limit?: number }
    ): Hyperswarm.Discovery
    leave(topic: Uint8Array): Promise<void>
    joinPeer(publicKey: Uint8Array): void
    leavePeer(publicKey: Uint8Array): void
    status(topic: Uint8Array): Hyperswarm.Discovery | null
    listen(): Promise<void>
    flush(): Promise<boolean>
    suspend(): Promise<void>
    resume(): Promise<void>
    destroy(options?: { force?: boolean }): Promise<void>
  }
  export default Hyperswarm
}
