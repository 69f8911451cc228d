import { HASH_BYTES } from '../crypto/hash.js'
import { RECORD_BYTES } from '../merkle/node.js'

/**
 * Bytes of a slab when there is memory enough: room for 2.5 MiB of chunks and their tables. A task costs the main
 * thread some 100 us whatever its size, which the threads that do the work lack where they use all cores; but slabs
 * that the caches do not hold cost more, and so does the memory of chunks that wait for them.
 */
const SLAB_BYTES = 3 * 1024 * 1024
const SMALLEST_SLAB_BYTES = 64 * 1024
/** Least memory of an engine: two of the smallest slabs, one to fill while one is worked on. */
export const LEAST_MEMORY_BYTES = 2 * SMALLEST_SLAB_BYTES

const TABLES = 4
/** The stage and the data lie on cache lines of their own. */
const LINE_BYTES = 64
/** Bytes of tables for a chunk: four words, its share of the tree's nodes, and a leaf of the original's tree. */
const TABLE_BYTES = TABLES * 4 + 2 * RECORD_BYTES + HASH_BYTES
/** One chunk of tables for so many bytes of slab: all of the slab is used by chunks of 256 plain bytes. */
const BYTES_PER_CHUNK = 640

/** Views of a slab: shared memory that holds a run of chunks, where each of them lies, and their tree nodes. */
export class Slab {
  /** Its place in `SlabPool.memory`: how it is named to workers, which have that memory too. */
  readonly number: number
  /** How far its task is: see `TaskRequest`. */
  readonly stage: Int32Array
  /** Most chunks of a run. */
  readonly capacity: number
  readonly offsets: Uint32Array
  readonly encodedBytes: Uint32Array
  readonly plainOffsets: Uint32Array
  readonly plainBytes: Uint32Array
  /** Nodes of the run as `buildLevels` leaves them. */
  readonly levels: Uint8Array
  /** Leaves of the original's tree over the plain chunks, where they were asked for. */
  readonly originals: Uint8Array
  readonly data: Buffer

  constructor(buffer: SharedArrayBuffer, number: number) {
    this.number = number
    this.capacity = Math.floor(buffer.byteLength / BYTES_PER_CHUNK)
    const tableBytes = this.capacity * 4
    this.stage = new Int32Array(buffer, 0, 1)
    const table = (i: number) => new Uint32Array(buffer, LINE_BYTES + i * tableBytes, this.capacity)
    this.offsets = table(0)
    this.encodedBytes = table(1)
    this.plainOffsets = table(2)
    this.plainBytes = table(3)
    this.levels = new Uint8Array(buffer, LINE_BYTES + TABLES * tableBytes, 2 * RECORD_BYTES * this.capacity)
    const originalsAt = LINE_BYTES + (TABLES * 4 + 2 * RECORD_BYTES) * this.capacity
    this.originals = new Uint8Array(buffer, originalsAt, HASH_BYTES * this.capacity)
    const dataAt = LINE_BYTES + Math.ceil((TABLE_BYTES * this.capacity) / LINE_BYTES) * LINE_BYTES
    this.data = Buffer.from(buffer, dataAt, buffer.byteLength - dataAt)
  }
}

/** The slabs of one engine: a fixed number, handed out in the order of asking. */
export class SlabPool {
  /** Of each slab. */
  readonly slabBytes: number
  /** Of all slabs. Their pages take no memory before they are first written to. */
  readonly memory: readonly SharedArrayBuffer[]
  readonly #free: Slab[] = []
  readonly #waiting: ((slab: Slab) => void)[] = []
  #made = 0

  /**
   * @param memoryBytes at least LEAST_MEMORY_BYTES; never are more held
   * @throws RangeError if there is not so much address space
   */
  constructor(memoryBytes: number, threads: number) {
    const wanted = Math.floor(memoryBytes / (2 * threads + 2))
    this.slabBytes =
      Math.floor(Math.min(SLAB_BYTES, Math.max(SMALLEST_SLAB_BYTES, wanted)) / LINE_BYTES) * LINE_BYTES
    const count = Math.floor(memoryBytes / this.slabBytes)
    this.memory = Array.from({ length: count }, () => new SharedArrayBuffer(this.slabBytes))
  }

  /** Slabs that somebody holds: 0 when every stream has ended. */
  get held(): number {
    return this.#made - this.#free.length
  }

  /** A slab at once if one is free. */
  take(): Slab | undefined {
    const free = this.#free.pop()
    const next = this.memory[this.#made]
    return free ?? (next && new Slab(next, this.#made++))
  }

  /** A slab as soon as there is one; rejects with the signal's reason. */
  async acquire(signal: AbortSignal): Promise<Slab> {
    signal.throwIfAborted()
    const slab = this.take()
    if (slab) return slab
    return new Promise((resolve, reject) => {
      const give = (given: Slab) => {
        signal.removeEventListener('abort', abort)
        resolve(given)
      }
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(give), 1)
        reject(signal.reason as Error)
      }
      this.#waiting.push(give)
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  release(slab: Slab): void {
    const next = this.#waiting.shift()
    if (next) next(slab)
    else this.#free.push(slab)
  }
}
