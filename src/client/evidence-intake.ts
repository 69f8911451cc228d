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

/** Room for one upload, which is taken as its bytes come. */
interface Budget {
  /** @throws ChainError `CHAIN_BUSY` */
  take(bytes: number): void
  release(): void
}

/** One evidence on its way in. Its owner calls `discard` when its bytes are no longer needed. */
export class EvidenceUpload {
  /** Bytes received; pieces come in order. */
  received = 0
  readonly byteLength: number
  readonly #memory: Uint8Array | null
  readonly #path: string
  readonly #budget: Budget
  #file: Promise<FileHandle> | null = null
  #tail: Promise<unknown> = Promise.resolve()
  #discarded: Promise<void> | null = null

  /** @param path where to put the bytes, or null to keep them in memory, which is only taken as it is filled */
  constructor(byteLength: number, path: string | null, budget: Budget) {
    this.byteLength = byteLength
    this.#memory = path === null ? new Uint8Array(new SharedArrayBuffer(byteLength)) : null
    this.#path = path ?? ''
    this.#budget = budget
  }

  /**
   * Takes the next piece.
   *
   * @throws ChainError `EVIDENCE_ORDER` if it does not begin where the last one ended, `EVIDENCE_TOO_LARGE` if
   *   it ends after the announced length, `CHAIN_BUSY` if there is no room for it, `EVIDENCE_UPLOAD` if the upload was given up
   */
  write(offset: number, piece: Uint8Array): Promise<void> {
    const turn = this.#tail.then(() => this.#write(offset, piece))
    this.#tail = turn.catch(() => {})
    return turn
  }

  async #write(offset: number, piece: Uint8Array): Promise<void> {
    if (this.#discarded) throw new ChainError('EVIDENCE_UPLOAD', 'This upload was given up: begin it again')
    if (offset !== this.received) {
      throw new ChainError('EVIDENCE_ORDER', `A piece at ${offset} where ${this.received} is next`)
    }
    if (offset + piece.byteLength > this.byteLength) {
      throw new ChainError('EVIDENCE_TOO_LARGE', `More than the ${this.byteLength} bytes that were announced`)
    }
    this.#budget.take(piece.byteLength)
    if (this.#memory) this.#memory.set(piece, offset)
    else {
      this.#file ??= open(this.#path, 'wx')
      const file = await this.#file
      // A disk may take less than it is given.
      for (let at = 0; at < piece.byteLength;) {
        at += (await file.write(piece, at, piece.byteLength - at, offset + at)).bytesWritten
      }
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
      .finally(() => this.#budget.release())
    return this.#discarded
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = null
    await (await file)?.close()
  }
}

interface Held {
  owner: string
  inMemory: boolean
  /** Bytes that have come. */
  bytes: number
}

/**
 * Receives evidence within a budget of memory, disk and uploads. What counts is what has come: who announces and does not send holds
 * nothing. Where there is no room, it is made by who holds more than the one who needs it: of theirs the upload goes that was
 * silent for longest.
 */
export class EvidenceIntake extends Resource {
  readonly #folder: string
  readonly #limits: Required<IntakeLimits>
  #memory = 0
  #disk = 0
  /** Those that heard of least lately first. */
  readonly #uploads = new Map<EvidenceUpload, Held>()

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
   * Begins an evidence of `byteLength` bytes.
   *
   * @param owner who sends it
   * @throws ChainError `CHAIN_BUSY` if there are too many, and this one has the most of them; the sender tries again later
   */
  begin(byteLength: number, owner = ''): EvidenceUpload {
    this.signal.throwIfAborted()
    const { memoryUploadBytes, memoryBytes, diskBytes, uploads } = this.#limits
    const inMemory = byteLength <= memoryUploadBytes && this.#memory + byteLength <= memoryBytes
    if (!inMemory && byteLength > diskBytes) throw busy()
    if (this.#uploads.size >= uploads) this.#makeRoom(owner, () => 1)
    const held: Held = { owner, inMemory, bytes: 0 }
    const upload: EvidenceUpload = new EvidenceUpload(
      byteLength,
      inMemory ? null : join(this.#folder, randomUUID()),
      {
        take: (bytes) => this.#take(upload, held, bytes),
        release: () => this.#release(upload, held)
      }
    )
    this.#uploads.set(upload, held)
    return upload
  }

  #take(upload: EvidenceUpload, held: Held, bytes: number): void {
    const { memoryBytes, diskBytes } = this.#limits
    const { inMemory, owner } = held
    const most = inMemory ? memoryBytes : diskBytes
    while ((inMemory ? this.#memory : this.#disk) + bytes > most) {
      this.#makeRoom(owner, (other) => (other.inMemory === inMemory ? other.bytes : 0), bytes)
    }
    if (inMemory) this.#memory += bytes
    else this.#disk += bytes
    held.bytes += bytes
    this.#uploads.delete(upload)
    this.#uploads.set(upload, held)
  }

  #release(upload: EvidenceUpload, held: Held): void {
    this.#uploads.delete(upload)
    if (held.inMemory) this.#memory -= held.bytes
    else this.#disk -= held.bytes
    held.bytes = 0
  }

  /**
   * Gives up an incomplete upload of who holds most, which has to be more than `owner` would.
   *
   * @throws ChainError `CHAIN_BUSY`
   */
  #makeRoom(owner: string, sizeOf: (held: Held) => number, wanted = 1): void {
    const sums = new Map<string, number>()
    for (const held of this.#uploads.values()) {
      sums.set(held.owner, (sums.get(held.owner) ?? 0) + sizeOf(held))
    }
    const [first] = [...sums].sort(([, a], [, b]) => b - a)
    if (!first || first[0] === owner || first[1] < (sums.get(owner) ?? 0) + wanted) throw busy()
    for (const [upload, held] of this.#uploads) {
      if (held.owner !== first[0] || upload.complete || sizeOf(held) === 0) continue
      this.#release(upload, held)
      void upload.discard()
      return
    }
    throw busy()
  }

  /** Gives up whatever is still on its way. */
  async #discardAll(): Promise<void> {
    const discarded = await Promise.allSettled([...this.#uploads.keys()].map((upload) => upload.discard()))
    for (const result of discarded) if (result.status === 'rejected') throw result.reason
  }
}

function busy(): ChainError {
  return new ChainError('CHAIN_BUSY', 'The chain receives as much evidence as it can hold: try again')
}
