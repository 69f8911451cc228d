/// <reference path="./hypercore-storage.d.ts" />
/** The part of corestore 7 that datdot calls; it ships no types of its own. */
declare module 'corestore' {
  import type { EventEmitter } from 'node:events'
  import type CorestoreStorage from 'hypercore-storage'
  import type Hypercore from 'hypercore'

  namespace Corestore {
    interface GetOptions {
      key?: Uint8Array
      name?: string
      keyPair?: Hypercore.KeyPair
      manifest?: Hypercore.Manifest
      encryptionKey?: Buffer
      valueEncoding?: string
      active?: boolean
      writable?: boolean
      createIfMissing?: boolean
      exclusive?: boolean
    }
  }

  class Corestore extends EventEmitter {
    /** @param storage a folder, or a hypercore-storage object that the store then owns */
    constructor(
      storage: string | object,
      options?: { primaryKey?: Buffer; readOnly?: boolean; unsafe?: boolean; manifestVersion?: number }
    )
    readonly primaryKey: Buffer
    readonly storage: CorestoreStorage
    readonly closing: Promise<void> | null
    ready(): Promise<void>
    get(options: Corestore.GetOptions | Uint8Array): Hypercore
    namespace(name: string | Buffer): Corestore
    session(options?: object): Corestore
    replicate(isInitiatorOrStream: boolean | object, options?: object): EventEmitter
    findingPeers(): () => void
    close(): Promise<void>
  }
  export default Corestore
}
