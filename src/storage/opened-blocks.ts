/** A block that is being opened, or is open; null where there is none to be had. */
type Opening = Promise<Buffer | null>

interface Entry {
  block: Opening
  /** 0 until it is open. */
  bytes: number
}

/** Blocks that were slow to open, in bounded memory: what several readers want is opened once. Those used longest ago go first. */
export class OpenedBlocks {
  readonly #most: number
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  /** @param most bytes of open blocks that are kept */
  constructor(most: number) {
    this.#most = most
  }

  /** Bytes of open blocks that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  get(core: string, index: number): Opening | undefined {
    const id = `${core} ${index}`
    const entry = this.#entries.get(id)
    if (!entry) return undefined
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    return entry.block
  }

  has(core: string, index: number): boolean {
    return this.#entries.has(`${core} ${index}`)
  }

  /** Keeps a block from now on, while it is being opened too; one that cannot be had is forgotten. */
  put(core: string, index: number, block: Opening): void {
    const id = `${core} ${index}`
    this.#drop(id)
    const entry = { block, bytes: 0 }
    this.#entries.set(id, entry)
    block.then(
      (opened) => {
        if (this.#entries.get(id) !== entry) return
        if (opened === null) return this.#drop(id)
        entry.bytes = opened.byteLength
        this.#bytes += opened.byteLength
        this.#evict()
      },
      () => this.#entries.get(id) === entry && this.#drop(id)
    )
  }

  delete(core: string, index: number): void {
    this.#drop(`${core} ${index}`)
  }

  /** Forgets all blocks of a hypercore. */
  forget(core: string): void {
    for (const id of [...this.#entries.keys()]) if (id.startsWith(`${core} `)) this.#drop(id)
  }

  #drop(id: string): void {
    this.#bytes -= this.#entries.get(id)?.bytes ?? 0
    this.#entries.delete(id)
  }

  #evict(): void {
    for (const [id, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#most) return
      if (bytes > 0) this.#drop(id)
    }
  }
}
