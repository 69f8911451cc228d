/** The part of hypercore-storage 3 that datdot calls; it ships no types of its own. */
declare module 'hypercore-storage' {
  import type Hypercore from 'hypercore'

  namespace CorestoreStorage {
    interface Node {
      index: number
      size: number
      hash: Uint8Array
    }
    interface Head {
      fork: number
      length: number
      rootHash: Uint8Array
      signature: Uint8Array | null
      timestamp: number
    }
    interface Hints {
      contiguousLength: number
      remoteContiguousLength: number
      recovering: number
    }
    /** A batch of reads: ask first, then `tryFlush`, then await. */
    interface Reader {
      getHead(): Promise<Head | null>
      getBlock(index: number): Promise<Buffer | null>
      getTreeNode(index: number): Promise<Node | null>
      getLocal(key: Buffer): Promise<Buffer | null>
      getBitfieldPage(index: number): Promise<Buffer | null>
      getHints(): Promise<Hints | null>
      tryFlush(): void
      destroy(): void
    }
    /** A batch of writes, atomic at `flush`. */
    interface Writer {
      setHead(head: Head): void
      deleteHead(): void
      setHints(hints: Hints): void
      putBlock(index: number, bytes: Uint8Array): void
      deleteBlock(index: number): void
      deleteBlockRange(start: number, end: number): void
      putTreeNode(node: Node): void
      deleteTreeNode(index: number): void
      deleteTreeNodeRange(start: number, end: number): void
      putBitfieldPage(index: number, page: Uint8Array): void
      deleteBitfieldPageRange(start: number, end: number): void
      putLocal(key: Buffer, value: Uint8Array): void
      deleteLocal(key: Buffer): void
      deleteLocalRange(start: Buffer, end: Buffer | null): void
      flush(): Promise<boolean>
    }
    /** A batch of writes of RocksDB. */
    interface RawWriter {
      tryDelete(key: Uint8Array): void
      flush(): Promise<void>
    }
    interface Pointers {
      corePointer: number
      dataPointer: number
      dependencies: unknown[]
    }
    /** One hypercore's storage. */
    interface CoreStorage {
      readonly core: Pointers
      readonly snapshotted: boolean
      read(fork?: number): Reader
      write(): Writer
      snapshot(): CoreStorage
      atomize(atom: unknown): CoreStorage
      createBlockStream(options?: object): AsyncIterable<unknown>
      createLocalStream(options: { gte?: Buffer; lt?: Buffer }): AsyncIterable<{ key: Buffer; value: Buffer }>
      resumeSession(name: string): Promise<CoreStorage | null>
      createSession(name: string, head: unknown): Promise<CoreStorage>
      createAtomicSession(atom: unknown, head: unknown): Promise<CoreStorage>
      deleteSessions(): Promise<void>
      compact(): Promise<unknown>
      close(): Promise<void>
    }
    interface CoreData {
      key: Uint8Array
      manifest: Hypercore.Manifest | null
      keyPair?: Hypercore.KeyPair | null
      discoveryKey: Buffer
    }
    interface Options {
      /** Bytes of RocksDB's write buffer. */
      writeBufferSize?: number
      id?: string
    }
  }

  class CorestoreStorage {
    constructor(dir: string, options?: CorestoreStorage.Options)
    readonly path: string
    /** RocksDB below it, with its own batches. */
    readonly db: { write(options: { autoDestroy: boolean }): CorestoreStorage.RawWriter }
    ready(): Promise<void>
    createCore(data: CorestoreStorage.CoreData): Promise<CorestoreStorage.CoreStorage>
    resumeCore(discoveryKey: Buffer | null): Promise<CorestoreStorage.CoreStorage | null>
    hasCore(discoveryKey: Buffer, options?: { ifMigrated?: boolean }): Promise<boolean>
    deleteCore(pointers: CorestoreStorage.Pointers): Promise<void>
    audit(): Promise<void>
    export(discoveryKey: Buffer, options?: object): Promise<unknown>
    flush(): Promise<void>
    close(): Promise<void>
  }
  export default CorestoreStorage
}
