import { toHex } from '../../src/bytes.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import type { HeldCopy } from '../chain/pinner.js'
import type { Authored } from './hypercores.js'
import type { Party, Reader, Served } from './party.js'

/** What a source gives, bytes a second, and how long it takes to begin. */
const FETCH_BYTES_PER_SECOND = 10_000_000
const FETCH_BASE_MS = 500

/**
 * What there is beside the chain: hypercores in the swarm, copies that signers hand to pinners, blocks that pinners serve. Data does not travel
 * as bytes here, it only takes its time.
 */
export class World {
  readonly rules: Parameters
  /** By key: hypercores, and whether anybody serves their blocks. */
  readonly #hypercores = new Map<string, { authored: Authored; reachable: boolean }>()
  /** By copy and draw: what a signer hands to its pinner. */
  readonly handed = new Map<string, HeldCopy>()
  readonly #pinners = new Map<string, Party>()

  constructor(rules: Parameters) {
    this.rules = rules
  }

  /** Makes blocks known to the swarm, or tells of more of them. */
  publish(authored: Authored, reachable = true): void {
    this.#hypercores.set(toHex(authored.key), { authored, reachable })
  }

  /** The first `length` blocks of a hypercore, once they have come; null if nobody serves them. */
  async fetch(party: Party, key: Uint8Array, length: number): Promise<Buffer[] | null> {
    const found = this.#hypercores.get(toHex(key))
    if (!found?.reachable || found.authored.blocks.length < length) {
      await party.pause(60_000)
      return null
    }
    const blocks = found.authored.blocks.slice(0, length)
    const bytes = blocks.reduce((sum, block) => sum + block.byteLength, 0)
    await party.pause(FETCH_BASE_MS + (bytes * 1_000) / FETCH_BYTES_PER_SECOND)
    return blocks
  }

  /** The author's blocks of a hypercore, as whoever has its tree can check them; null if nobody serves it. */
  blocks(key: Uint8Array): readonly Buffer[] | null {
    const found = this.#hypercores.get(toHex(key))
    return found?.reachable ? found.authored.blocks : null
  }

  /** From now on this party's strategy serves readers. */
  serves(party: Party): void {
    this.#pinners.set(toHex(party.keyPair.publicKey), party)
  }

  /** What a reader gets of a pinner's copy. */
  read(pinner: Uint8Array, copy: number, index: number, reader: Reader): Served | null {
    if (!this.isThere(pinner)) return null
    return this.#pinners.get(toHex(pinner))!.strategy.serve?.(copy, index, reader) ?? null
  }

  /** Whether a pinner can be reached. */
  isThere(pinner: Uint8Array): boolean {
    return this.#pinners.get(toHex(pinner))?.away === false
  }
}
