/** The part of hypercore 11 that datdot calls; it ships no types of its own. */
declare module 'hypercore' {
  import type { EventEmitter } from 'node:events'

  namespace Hypercore {
    interface Signer {
      signature: string
      namespace: Buffer
      publicKey: Buffer
    }
    interface Manifest {
      version: number
      hash: string
      allowPatch?: boolean
      quorum: number
      signers: Signer[]
      prologue: { hash: Buffer; length: number } | null
      linked?: Buffer[] | null
      userData?: Buffer | null
    }
    interface KeyPair {
      publicKey: Buffer
      secretKey: Buffer
    }
    interface Range {
      start?: number
      end?: number
      length?: number
      blocks?: number[]
      linear?: boolean
    }
    interface Download {
      ready(): Promise<void>
      done(): Promise<boolean>
      destroy(): void
    }
    interface Peer {
      remotePublicKey: Buffer
      remoteLength: number
      stream: unknown
    }
    interface GetOptions {
      wait?: boolean
      timeout?: number
      decrypt?: boolean
      raw?: boolean
    }
    interface UpdateOptions {
      wait?: boolean
      force?: boolean
    }
    interface Info {
      storage?: unknown
    }
  }

  class Hypercore extends EventEmitter {
    constructor(storage: string | object, options?: { compat?: boolean; encryptionKey?: Buffer })
    static key(manifest: Hypercore.Manifest | Buffer, options?: { compat?: boolean }): Buffer
    readonly key: Buffer
    readonly id: string
    readonly discoveryKey: Buffer
    readonly manifest: Hypercore.Manifest | null
    readonly keyPair: Hypercore.KeyPair | null
    readonly length: number
    readonly contiguousLength: number
    readonly byteLength: number
    readonly fork: number
    readonly writable: boolean
    readonly opened: boolean
    readonly closed: boolean
    readonly closing: Promise<void> | null
    readonly peers: Hypercore.Peer[]
    ready(): Promise<void>
    append(blocks: Uint8Array | Uint8Array[], options?: { signature?: Buffer }): Promise<{ length: number }>
    get(index: number, options?: Hypercore.GetOptions): Promise<Buffer | null>
    has(start: number, end?: number): Promise<boolean>
    update(options?: Hypercore.UpdateOptions): Promise<boolean>
    seek(bytes: number, options?: { wait?: boolean; timeout?: number }): Promise<[number, number] | null>
    download(range?: Hypercore.Range): Hypercore.Download
    clear(start: number, end?: number): Promise<void>
    truncate(length: number): Promise<void>
    treeHash(length?: number): Promise<Buffer>
    findingPeers(): () => void
    session(options?: object): Hypercore
    snapshot(options?: object): Hypercore
    createReadStream(options?: {
      start?: number
      end?: number
      live?: boolean
      snapshot?: boolean
    }): AsyncIterable<Buffer> & { destroy(error?: Error): void }
    replicate(isInitiatorOrStream: boolean | object, options?: object): EventEmitter
    setEncryptionKey(key: Buffer): Promise<void>
    purge(): Promise<void>
    close(options?: { force?: boolean }): Promise<void>
  }
  export default Hypercore
}
