/** The part of hyperdht 6 that datdot calls; it ships no types of its own. */
declare module 'hyperdht' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'

  namespace HyperDHT {
    interface KeyPair {
      publicKey: Buffer
      secretKey: Buffer
    }
    interface Address {
      host: string
      port: number
    }
    interface Options {
      bootstrap?: (Address | string)[]
      host?: string
      /** One to try, or a range; [0, 0] is any that is free. */
      port?: number | [number, number]
      /** Whether another port will do where this one is taken. */
      anyPort?: boolean
      ephemeral?: boolean
      firewalled?: boolean
      keyPair?: KeyPair
      nodes?: Address[]
      connectionKeepAlive?: number
    }
    /** An encrypted stream; `remotePublicKey` is proven by the Noise handshake. */
    interface Connection extends Duplex {
      readonly publicKey: Buffer
      readonly remotePublicKey: Buffer
      readonly handshakeHash: Buffer
      readonly isInitiator: boolean
      readonly opened: Promise<boolean>
      readonly rawStream: EventEmitter & { remoteHost: string; remotePort: number }
      /** Bytes of whole messages. */
      readonly rawBytesRead: number
      readonly rawBytesWritten: number
      userData: unknown
      setTimeout(ms: number): void
      setKeepAlive(ms: number): void
    }
    interface Server extends EventEmitter {
      readonly publicKey: Buffer
      readonly closed: boolean
      listen(keyPair?: KeyPair): Promise<void>
      address(): Address & { publicKey: Buffer }
      close(): Promise<void>
    }
  }

  class HyperDHT extends EventEmitter {
    constructor(options?: HyperDHT.Options)
    static keyPair(seed?: Buffer): HyperDHT.KeyPair
    static bootstrapper(port: number, host: string, options?: object): HyperDHT
    readonly defaultKeyPair: HyperDHT.KeyPair
    readonly host: string
    readonly port: number
    readonly bootstrapped: boolean
    readonly destroyed: boolean
    address(): HyperDHT.Address
    ready(): Promise<void>
    fullyBootstrapped(): Promise<void>
    createServer(
      options?: {
        firewall?: (
          remotePublicKey: Buffer,
          remotePayload: unknown,
          address: unknown
        ) => boolean | Promise<boolean>
      },
      onconnection?: (connection: HyperDHT.Connection) => void
    ): HyperDHT.Server
    connect(publicKey: Uint8Array, options?: { keyPair?: HyperDHT.KeyPair }): HyperDHT.Connection
    destroy(options?: { force?: boolean }): Promise<void>
  }
  export default HyperDHT
}
