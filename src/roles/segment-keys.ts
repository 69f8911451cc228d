import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AssignmentView } from '../chain/views.js'
import { SEED_BYTES } from '../chunk/codec.js'
import type { KeyPair } from '../crypto/keys.js'
import type { Engine } from '../engine/engine.js'
import { generateSealKey } from '../engine/seal-key.js'

/** What a segment is encoded with: the public part goes on the chain. */
export interface SegmentKey {
  publicKey: Buffer
  secretKey: Buffer
  /** What keys of chunks are drawn from, for `wrap`. */
  seed?: Buffer
}

const PUBLIC_KEY_BYTES = 256

/**
 * A signer's keys for its segments. `wrap` uses the signer's own, and a seed; each `seal` segment has one of its own.
 * Both are kept until the segment is accepted or given up, so that an interrupted signer makes the same bytes again,
 * and no longer: whoever has the key of `seal` can make the copy again without storing it.
 */
export class SegmentKeys {
  readonly #dir: string
  readonly #engine: Engine
  readonly #randomBytes: (length: number) => Buffer

  constructor(dir: string, engine: Engine, randomBytes: (length: number) => Buffer) {
    this.#dir = dir
    this.#engine = engine
    this.#randomBytes = randomBytes
  }

  /** The key of a draw, made the first time it is asked for. */
  async of({ codec, draw }: AssignmentView, keyPair: KeyPair): Promise<SegmentKey> {
    const path = join(this.#dir, String(draw))
    const kept = await readFile(path).catch(() => null)
    if (codec === 'wrap') {
      if (kept?.byteLength === SEED_BYTES) return { ...keyPair, seed: kept }
      const seed = this.#randomBytes(SEED_BYTES)
      await this.#keep(path, seed)
      return { ...keyPair, seed }
    }
    if (kept)
      return { publicKey: kept.subarray(0, PUBLIC_KEY_BYTES), secretKey: kept.subarray(PUBLIC_KEY_BYTES) }
    const key = await generateSealKey(this.#engine, { random: this.#randomBytes })
    await this.#keep(path, Buffer.concat([key.publicKey, key.secretKey]))
    return key
  }

  async #keep(path: string, secret: Buffer): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 })
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.writeFile(secret)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
  }

  /** Wipes the keys of all draws but these. */
  async forgetAllBut(draws: ReadonlySet<number>): Promise<void> {
    for (const name of await readdir(this.#dir).catch(() => [])) {
      if (!draws.has(Number(name))) await wipe(join(this.#dir, name))
    }
  }
}

/** Overwrites before it deletes; what the disk's own copies keep is beyond a program's reach. */
async function wipe(path: string): Promise<void> {
  const file = await open(path, 'r+').catch(() => null)
  if (file) {
    try {
      const { size } = await file.stat()
      await file.write(Buffer.alloc(size), 0, size, 0)
      await file.sync()
    } finally {
      await file.close()
    }
  }
  await rm(path, { force: true })
}
