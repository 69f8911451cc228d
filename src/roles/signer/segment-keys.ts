import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AssignmentView } from '../../protocol/views.js'
import { SEED_BYTES, type SegmentSecret } from '../../chunk/codec.js'
import type { KeyPair } from '../../crypto/keys.js'
import { RSA_BYTES } from '../../crypto/rsa-key.js'
import { loadRsaPrivateKey } from '../../crypto/rsa.js'
import type { Engine } from '../../engine/engine.js'
import { generateSealKey, provePrimesOf } from '../../engine/seal-key.js'
import { CryptoError, InputError } from '../../errors.js'
import { readSecretFile, wipeSecretFile, writeSecretFile } from '../../secret-file.js'

/** What a segment is encoded with: the public part goes on the chain. */
export interface SegmentKey {
  publicKey: Buffer
  secretKey: Buffer
  /** What keys of chunks are drawn from, for `wrap`. */
  seed?: Buffer
}

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

  /**
   * The key of a draw, made the first time it is asked for.
   *
   * @throws InputError SECRET_UNREADABLE, SECRET_EXPOSED, SECRET_MALFORMED for a kept one that cannot be used: another
   *   key would make other bytes than those that were signed already
   */
  async of({ codec, draw }: AssignmentView, keyPair: KeyPair): Promise<SegmentKey> {
    const path = join(this.#dir, String(draw))
    const kept = await readSecretFile(path)
    if (codec === 'wrap') {
      if (kept && kept.byteLength !== SEED_BYTES) throw malformed(path, draw)
      const seed = kept ?? this.#randomBytes(SEED_BYTES)
      if (!kept) await this.#keep(path, seed)
      return { ...keyPair, seed }
    }
    if (kept) {
      const known = parseKept(kept)
      if (!known) throw malformed(path, draw)
      return known
    }
    const key = await generateSealKey(this.#engine, { random: this.#randomBytes })
    const both = Buffer.allocUnsafeSlow(key.publicKey.byteLength + key.secretKey.byteLength)
    both.set(key.publicKey)
    both.set(key.secretKey, key.publicKey.byteLength)
    try {
      await this.#keep(path, both)
    } finally {
      both.fill(0)
    }
    return key
  }

  /** The proof about the primes of a segment's key, which the pinner must see; `wrap` has none. */
  async proofOf(segment: SegmentSecret, signal: AbortSignal): Promise<Buffer> {
    return segment.codec === 'seal' ? provePrimesOf(segment, signal) : Buffer.alloc(0)
  }

  async #keep(path: string, secret: Buffer): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 })
    await writeSecretFile(path, secret)
  }

  /** Wipes the keys of all draws but these. */
  async forgetAllBut(draws: ReadonlySet<number>): Promise<void> {
    for (const name of await readdir(this.#dir).catch(() => [])) {
      // One that is just being written belongs to its draw too.
      if (!draws.has(Number(name.replace(/\.new$/, '')))) await wipeSecretFile(join(this.#dir, name))
    }
  }
}

/** A `seal` key as `of` keeps it, or null if it is damaged. */
function parseKept(kept: Buffer): SegmentKey | null {
  const publicKey = kept.subarray(0, RSA_BYTES)
  const secretKey = kept.subarray(RSA_BYTES)
  try {
    const key = loadRsaPrivateKey(secretKey)
    key.wipe()
    return key.modulus.equals(publicKey) ? { publicKey, secretKey } : null
  } catch (error) {
    if (error instanceof CryptoError) return null
    throw error
  }
}

function malformed(path: string, draw: number): InputError {
  const what = `${path} is not the key of a segment`
  return new InputError('SECRET_MALFORMED', `${what}; restore it, or remove it to encode draw ${draw} anew`)
}
