import { turn } from '../wait.js'
import type { OpenedBlocks } from './opened-blocks.js'

/** Blocks that are opened together at the most: with 64 KiB each a megabyte, which keeps several threads busy. */
const TOGETHER = 16

export interface BlockOpenerOptions {
  opened: OpenedBlocks
  /** Name of the hypercore in `opened`. */
  name: string
  /** Opens blocks; null for one that is lost. Never throws. */
  open: (indices: number[]) => Promise<(Buffer | null)[]>
  /** Blocks that readers have asked for and that nobody has looked at yet. */
  asked: (most: number) => number[]
}

/**
 * Opens blocks of one hypercore that are slow to open: those that are asked for in one turn together, with those that
 * readers wait for next. What is open is kept for the other readers as long as there is room.
 */
export class BlockOpener {
  readonly #options: BlockOpenerOptions
  /** Wanted in this turn. */
  #wanted = new Map<number, (block: Buffer | null) => void>()
  #opening = 0

  constructor(options: BlockOpenerOptions) {
    this.#options = options
  }

  /** The block, once it is open. */
  block(index: number): Promise<Buffer | null> {
    const { opened, name } = this.#options
    return opened.get(name, index) ?? this.#want(index)
  }

  #want(index: number): Promise<Buffer | null> {
    const { opened, name } = this.#options
    if (this.#wanted.size === 0) void turn().then(() => this.#openWanted())
    const block = new Promise<Buffer | null>((resolve) => this.#wanted.set(index, resolve))
    opened.put(name, index, block)
    return block
  }

  async #openWanted(): Promise<void> {
    const { opened, name, asked } = this.#options
    const wanted = this.#wanted
    // Who reads on is answered from what is open already, if enough of it is on its way.
    for (const index of this.#opening < 2 * TOGETHER ? asked(4 * TOGETHER) : []) {
      if (wanted.size >= TOGETHER) break
      if (!opened.has(name, index)) void this.#want(index)
    }
    this.#wanted = new Map()
    const indices = [...wanted.keys()].sort((a, b) => a - b)
    const groups: Promise<void>[] = []
    for (let at = 0; at < indices.length; at += TOGETHER) {
      groups.push(this.#openGroup(indices.slice(at, at + TOGETHER), wanted))
    }
    await Promise.all(groups)
  }

  async #openGroup(indices: number[], wanted: Map<number, (block: Buffer | null) => void>): Promise<void> {
    this.#opening += indices.length
    const blocks = await this.#options.open(indices)
    this.#opening -= indices.length
    for (const [i, index] of indices.entries()) wanted.get(index)!(blocks[i] ?? null)
  }
}
