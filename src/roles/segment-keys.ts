import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AssignmentView } from '../chain/views.js'
import type { KeyPair } from '../crypto/keys.js'
import type { Engine } from '../engine/engine.js'
import { generateSealKey } from '../engine/seal-key.js'

/** What a segment is encoded with: the public part goes on the chain. */
export interface SegmentKey {
  publicKey: Buffer
  secretKey: Buffer
}

/**
 * A signer's keys for its segments. `wrap` uses the signer's own; each `seal` segment has one of its own, which is
 * kept only until the segment is accepted or given up: whoever has it can make the copy again without storing it.
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
    if (codec === 'wrap') return keyPair
    const path = join(this.#dir, String(draw))
    const kept = await readFile(path).catch(() => null)
    if (kept) return { publicKey: kept.subarray(0, 256), secretKey: kept.subarray(256) }
    const key = await generateSealKey(this.#engine, { random: this.#randomBytes })
    await mkdir(this.#dir, { recursive: true, mode: 0o700 })
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.writeFile(Buffer.concat([key.publicKey, key.secretKey]))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
    return key
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
