import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KEY_SEED_BYTES, keyPairFromSeed, type KeyPair } from '../crypto/keys.js'
import { InputError } from '../errors.js'
import { readSecretFile, writeSecretFile } from '../secret-file.js'

const FILE = 'identity'
/** What a role makes only once it has its identity: the chain's ledger, a pinner's copies, receipts, a signer's keys. */
const OF_AN_IDENTITY = ['ledger.db', 'copies', 'receipts.jsonl', 'keys'] as const

/**
 * The Ed25519 key pair that a role keeps in its folder as a seed. Created from `randomBytes` the first time; a new one would
 * be a stranger to what an earlier one left.
 *
 * @throws InputError SECRET_MALFORMED, SECRET_EXPOSED, SECRET_UNREADABLE, SECRET_MISSING
 */
export async function loadIdentity(
  dir: string,
  randomBytes: (length: number) => Uint8Array
): Promise<KeyPair> {
  return keyPairFromSeed(await loadSecret(join(dir, FILE), randomBytes, OF_AN_IDENTITY))
}

/**
 * 32 secret bytes that are kept in a file as hex, readable by its owner only; created the first time.
 *
 * @param madeAfter names that are in its folder only if the secret was there before them: then it was lost
 * @throws InputError SECRET_MALFORMED, SECRET_EXPOSED, SECRET_UNREADABLE, SECRET_MISSING
 */
export async function loadSecret(
  path: string,
  randomBytes: (length: number) => Uint8Array,
  madeAfter: readonly string[] = []
): Promise<Buffer> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const kept = await readSecretFile(path)
  if (kept === null) {
    const names = await readdir(folder)
    const later = madeAfter.find((name) => names.includes(name))
    if (later !== undefined) {
      const message = `${path} is missing, and ${join(folder, later)} was made with it; restore it from a backup`
      throw new InputError('SECRET_MISSING', message)
    }
    const secret = Buffer.from(randomBytes(KEY_SEED_BYTES))
    await writeSecretFile(path, secret.toString('hex') + '\n')
    return secret
  }
  const text = kept.toString('latin1')
  if (!/^[0-9a-f]{64}\n?$/.test(text)) {
    throw new InputError('SECRET_MALFORMED', `${path} is not 64 hex digits; restore it from a backup`)
  }
  return Buffer.from(text.trim(), 'hex')
}
