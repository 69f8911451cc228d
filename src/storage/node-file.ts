import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StorageError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { RECORD_BYTES, decodeNode, type TreeNode } from '../merkle/node.js'
import type { NodeReader } from '../merkle/reader.js'
import { chunksStored, storedNodes, storedPosition } from '../merkle/shape.js'
import { storageFailure } from './failures.js'

/** Bytes of records kept in memory before they are written. */
const BUFFER_BYTES = 1 << 20

/**
 * The stored tree of one segment in a file that only grows at its end. Records are buffered; `flush` makes them
 * durable. After a crash the file may hold fewer chunks than were appended, never wrong ones: `truncate` to what is
 * wanted, or build it again.
 */
export class NodeFile extends Resource implements NodeReader {
  readonly #path: string
  #file!: FileHandle
  #written = 0
  #buffered: Uint8Array[] = []
  #bufferedBytes = 0
  #writing: Promise<void> = Promise.resolve()
  #failure: unknown

  constructor(path: string) {
    super()
    this.#path = path
  }

  /** Opens the file, or creates it. What was not flushed when it is closed may be lost. @throws StorageError */
  protected async start(): Promise<void> {
    const path = this.#path
    try {
      await mkdir(dirname(path), { recursive: true })
      const file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return open(path, 'w+', 0o600)
        throw error
      })
      this.#file = this.own('file', file)
      this.owe('writes', () => this.#writing)
      const { size } = await file.stat()
      this.#written = size - (size % RECORD_BYTES)
    } catch (error) {
      throw storageFailure(error, path)
    }
  }

  get chunks(): number {
    return chunksStored((this.#written + this.#bufferedBytes) / RECORD_BYTES)
  }

  /** Appends records of a `TreeBuilder`'s sink; what fails is thrown by the next `flush`. */
  append(records: Uint8Array): void {
    this.#buffered.push(records)
    this.#bufferedBytes += records.byteLength
    if (this.#bufferedBytes >= BUFFER_BYTES) void this.#write()
  }

  /** Makes all records durable. @throws StorageError */
  async flush(): Promise<void> {
    await this.#write()
    if (this.#failure === undefined)
      await this.#file.sync().catch((error: unknown) => (this.#failure = error))
    if (this.#failure !== undefined) throw storageFailure(this.#failure, this.#path)
  }

  /** Forgets all leaves after the first `chunks`. @throws StorageError */
  async truncate(chunks: number): Promise<void> {
    await this.flush()
    const bytes = storedNodes(chunks) * RECORD_BYTES
    if (bytes > this.#written) {
      throw new StorageError(
        'NODES_MISSING',
        `${this.#path} has the nodes of ${this.chunks} chunks, not ${chunks}`
      )
    }
    await this.#file.truncate(bytes).catch((error: unknown) => {
      throw storageFailure(error, this.#path)
    })
    this.#written = bytes
  }

  /** @throws StorageError NODES_MISSING, or what the disk reports */
  async node(level: number, index: number): Promise<TreeNode> {
    if (this.#bufferedBytes > 0) await this.flush()
    const record = Buffer.allocUnsafe(RECORD_BYTES)
    const position = storedPosition(level, index) * RECORD_BYTES
    const { bytesRead } = await this.#file.read(record, 0, RECORD_BYTES, position).catch((error: unknown) => {
      throw storageFailure(error, this.#path)
    })
    if (bytesRead < RECORD_BYTES || position >= this.#written) {
      throw new StorageError('NODES_MISSING', `${this.#path} has no node ${index} of level ${level}`)
    }
    return decodeNode(record)
  }

  /** Writes the buffer behind what is there, one write after the other. */
  #write(): Promise<void> {
    const records = Buffer.concat(this.#buffered)
    this.#buffered = []
    this.#bufferedBytes = 0
    const position = this.#written
    this.#written += records.byteLength
    this.#writing = this.#writing
      .then(async () => {
        for (let at = 0; at < records.byteLength && this.#failure === undefined;) {
          at += (await this.#file.write(records, at, records.byteLength - at, position + at)).bytesWritten
        }
      })
      .catch((error: unknown) => {
        this.#failure ??= error
      })
    return this.#writing
  }
}
