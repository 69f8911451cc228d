import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KEY_SEED_BYTES, keyPairFromSeed, type KeyPair } from '../crypto/keys.js'
import { InputError } from '../errors.js'
import { readSecretFile, writeSecretFile } from '../secret-file.js'

const FILE = 'identity'

/**
 * The Ed25519 key pair that a role keeps in its folder as a seed. Created from `randomBytes` the first time.
 *
 * @throws InputError SECRET_MALFORMED, SECRET_EXPOSED, SECRET_UNREADABLE
 */
export async function loadIdentity(
  dir: string,
  randomBytes: (length: number) => Uint8Array
): Promise<KeyPair> {
  return keyPairFromSeed(await loadSecret(join(dir, FILE), randomBytes))
}

/**
 * 32 secret bytes that are kept in a file as hex, readable by its owner only; created the first time.
 *
 * @throws InputError SECRET_MALFORMED, SECRET_EXPOSED, SECRET_UNREADABLE
 */
export async function loadSecret(path: string, randomBytes: (length: number) => Uint8Array): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const kept = await readSecretFile(path)
  if (kept === null) {
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
