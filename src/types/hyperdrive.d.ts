/** The part of hyperdrive 13 that datdot calls; it ships no types of its own. */
declare module 'hyperdrive' {
  import type { EventEmitter } from 'node:events'
  import type { Readable, Writable } from 'node:stream'
  import type Corestore from 'corestore'
  import type Hypercore from 'hypercore'

  namespace Hyperdrive {
    interface Blob {
      blockOffset: number
      blockLength: number
      byteOffset: number
      byteLength: number
    }
    interface Entry {
      seq: number
      key: string
      value: { executable: boolean; linkname: string | null; blob: Blob | null; metadata: unknown }
    }
    interface Download {
      done(): Promise<void>
      destroy(): void
    }
  }

  class Hyperdrive extends EventEmitter {
    /** Key of the blobs that a drive of this hypercore has; null for a hypercore of an old form. */
    static getContentKey(core: Hypercore): Buffer | null
    constructor(corestore: Corestore, key?: Buffer | null, options?: object)
    readonly key: Buffer
    readonly discoveryKey: Buffer
    readonly core: Hypercore
    readonly version: number
    ready(): Promise<void>
    update(options?: { wait?: boolean }): Promise<boolean>
    getBlobs(): Promise<{ core: Hypercore } | null>
    entry(name: string): Promise<Hyperdrive.Entry | null>
    list(folder?: string, options?: { recursive?: boolean }): AsyncIterable<Hyperdrive.Entry>
    get(name: string): Promise<Buffer | null>
    clear(name: string): Promise<unknown>
    del(name: string): Promise<void>
    put(name: string, bytes: Uint8Array, options?: { executable?: boolean }): Promise<void>
    symlink(name: string, target: string): Promise<void>
    createReadStream(
      name: string | Hyperdrive.Entry,
      options?: { wait?: boolean; timeout?: number }
    ): Readable
    createWriteStream(name: string, options?: { executable?: boolean }): Writable
    download(folder?: string, options?: object): Hyperdrive.Download
    batch(): Hyperdrive
    flush(): Promise<void>
    findingPeers(): () => void
    replicate(isInitiatorOrStream: boolean | object): EventEmitter
    close(): Promise<void>
  }
  export default Hyperdrive
}
