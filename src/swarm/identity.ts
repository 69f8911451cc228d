import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SEED_BYTES, keyPairFromSeed, type KeyPair } from '../crypto/keys.js'
import { InputError } from '../errors.js'

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
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw new InputError('SECRET_UNREADABLE', `${path} cannot be read: ${error.message}`, { cause: error })
  })
  if (text === null) return create(path, randomBytes)
  if (!/^[0-9a-f]{64}\n?$/.test(text)) {
    throw new InputError('SECRET_MALFORMED', `${path} is not 64 hex digits; restore it from a backup`)
  }
  if (((await stat(path)).mode & 0o077) !== 0) {
    throw new InputError('SECRET_EXPOSED', `${path} can be read by others; run chmod 600 on it`)
  }
  return Buffer.from(text.trim(), 'hex')
}

/** Written beside its place and renamed, so that a crash never leaves half a secret. */
async function create(path: string, randomBytes: (length: number) => Uint8Array): Promise<Buffer> {
  const secret = Buffer.from(randomBytes(SEED_BYTES))
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(secret.toString('hex') + '\n')
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
  return secret
}
