import { randomUUID } from 'node:crypto'
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { ChainError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { EVIDENCE_PIECE_BYTES } from '../protocol/rpc/messages.js'
import type { EvidenceBytes } from '../evidence/tasks.js'

/** Evidence up to this size is received in memory, larger on disk. */
const MEMORY_UPLOAD_BYTES = 4 << 20
/** Memory that all uploads together may take; what does not fit goes to disk. */
const MEMORY_BYTES = 64 << 20
/** Disk that all uploads together may take. */
const DISK_BYTES = 16 * 2 ** 30
/** The most uploads at a time, from everybody. */
const MOST_UPLOADS = 4096
/** Limits of an intake; the defaults suit one machine. */
export interface IntakeLimits {
  memoryUploadBytes?: number
  memoryBytes?: number
  diskBytes?: number
  uploads?: number
}

/** One evidence on its way in. Its owner calls `discard` when its bytes are no longer needed. */
export class EvidenceUpload {
  /** Bytes received; pieces come in order. */
  received = 0
  readonly byteLength: number
  readonly #memory: Uint8Array | null
  readonly #path: string
  readonly #release: () => void
  #file: Promise<FileHandle> | null = null
  #tail: Promise<unknown> = Promise.resolve()
  #discarded: Promise<void> | null = null

  /** @param path where to put the bytes, or null to keep them in memory */
  constructor(byteLength: number, path: string | null, release: () => void) {
    this.byteLength = byteLength
    this.#memory = path === null ? new Uint8Array(new SharedArrayBuffer(byteLength)) : null
    this.#path = path ?? ''
    this.#release = release
  }

  /**
   * Takes the next piece.
   *
   * @throws ChainError `EVIDENCE_ORDER` if it does not begin where the last one ended, `EVIDENCE_TOO_LARGE` if
   *   it ends after the announced length
   */
  write(offset: number, piece: Uint8Array): Promise<void> {
    const turn = this.#tail.then(() => this.#write(offset, piece))
    this.#tail = turn.catch(() => {})
    return turn
  }

  async #write(offset: number, piece: Uint8Array): Promise<void> {
    if (this.#discarded) throw new ChainError('EVIDENCE_NOT_ASKED', 'This upload was given up')
    if (offset !== this.received) {
      throw new ChainError('EVIDENCE_ORDER', `A piece at ${offset} where ${this.received} is next`)
    }
    if (offset + piece.byteLength > this.byteLength) {
      throw new ChainError('EVIDENCE_TOO_LARGE', `More than the ${this.byteLength} bytes that were announced`)
    }
    if (this.#memory) this.#memory.set(piece, offset)
    else {
      this.#file ??= open(this.#path, 'wx')
      await (await this.#file).write(piece, 0, piece.byteLength, offset)
    }
    this.received += piece.byteLength
  }

  get complete(): boolean {
    return this.received === this.byteLength
  }

  /** The bytes, once all have come. */
  async bytes(): Promise<EvidenceBytes> {
    if (!this.complete) throw new ChainError('EVIDENCE_INCOMPLETE', 'This evidence is not complete')
    if (this.#memory) return { memory: this.#memory }
    await this.#closeFile()
    return { path: this.#path, byteLength: this.byteLength }
  }

  /** The bytes again, to be stored. */
  async *parts(): AsyncGenerator<Uint8Array, void, void> {
    if (this.#memory) {
      yield this.#memory
      return
    }
    const file = await open(this.#path, 'r')
    try {
      const stream = file.createReadStream({ highWaterMark: EVIDENCE_PIECE_BYTES, autoClose: false })
      for await (const part of stream) yield part as Buffer
    } finally {
      await file.close()
    }
  }

  /** Gives the bytes up. */
  discard(): Promise<void> {
    this.#discarded ??= this.#tail
      .then(() => this.#closeFile())
      .then(() => (this.#memory ? undefined : rm(this.#path, { force: true })))
      .finally(this.#release)
    return this.#discarded
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = null
    await (await file)?.close()
  }
}

/** Receives evidence within a budget of memory, disk and uploads, all of it announced before it comes. */
export class EvidenceIntake extends Resource {
  readonly #folder: string
  readonly #limits: Required<IntakeLimits>
  #memory = 0
  #disk = 0
  readonly #uploads = new Set<EvidenceUpload>()

  /** @param folder a folder of its own: what an earlier process left there is deleted */
  constructor(folder: string, limits: IntakeLimits = {}) {
    super()
    this.#folder = folder
    this.#limits = {
      memoryUploadBytes: limits.memoryUploadBytes ?? MEMORY_UPLOAD_BYTES,
      memoryBytes: limits.memoryBytes ?? MEMORY_BYTES,
      diskBytes: limits.diskBytes ?? DISK_BYTES,
      uploads: limits.uploads ?? MOST_UPLOADS
    }
  }

  /** Empties the folder. */
  protected async start(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
    await mkdir(this.#folder, { recursive: true })
    this.owe('uploads', () => this.#discardAll())
  }

  /**
   * Makes room for an evidence of `byteLength` bytes.
   *
   * @throws ChainError `CHAIN_BUSY` if there is none; the sender tries again later
   */
  begin(byteLength: number): EvidenceUpload {
    this.signal.throwIfAborted()
    const { memoryUploadBytes, memoryBytes, diskBytes, uploads } = this.#limits
    if (this.#uploads.size >= uploads) throw busy()
    const inMemory = byteLength <= memoryUploadBytes && this.#memory + byteLength <= memoryBytes
    if (!inMemory && this.#disk + byteLength > diskBytes) throw busy()
    if (inMemory) this.#memory += byteLength
    else this.#disk += byteLength
    const path = inMemory ? null : join(this.#folder, randomUUID())
    const upload: EvidenceUpload = new EvidenceUpload(byteLength, path, () => {
      this.#uploads.delete(upload)
      if (inMemory) this.#memory -= byteLength
      else this.#disk -= byteLength
    })
    this.#uploads.add(upload)
    return upload
  }

  /** Gives up whatever is still on its way. */
  async #discardAll(): Promise<void> {
    const discarded = await Promise.allSettled([...this.#uploads].map((upload) => upload.discard()))
    for (const result of discarded) if (result.status === 'rejected') throw result.reason
  }
}

function busy(): ChainError {
  return new ChainError('CHAIN_BUSY', 'The chain receives as much evidence as it can hold: try again')
}
