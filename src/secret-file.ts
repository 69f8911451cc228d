import { open, readFile, rm, stat } from 'node:fs/promises'
import { InputError } from './errors.js'
import { fileTrouble } from './file-failure.js'
import { writeWholeFile } from './whole-file.js'

/**
 * A file with a secret, or null if there is none.
 *
 * @throws InputError SECRET_UNREADABLE, SECRET_EXPOSED if others than its owner may read it
 */
export async function readSecretFile(path: string): Promise<Buffer | null> {
  try {
    const bytes = await readFile(path)
    if (((await stat(path)).mode & 0o077) === 0) return bytes
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new InputError('SECRET_UNREADABLE', `${path} cannot be read: ${message}`, { cause: error })
  }
  throw new InputError('SECRET_EXPOSED', `${path} can be read by others; run chmod 600 on it`)
}

/**
 * Keeps a secret in a file that only its owner reads: after a crash it is there whole, or as it was.
 *
 * @throws InputError `DISK_FULL`, `SECRET_NOT_WRITTEN`
 */
export async function writeSecretFile(path: string, secret: string | Uint8Array): Promise<void> {
  try {
    await writeWholeFile(path, secret)
  } catch (error) {
    const full = fileTrouble(error) === 'full'
    const message = `${path} cannot be written: ${full ? 'its disk is full' : (error as Error).message}`
    throw new InputError(full ? 'DISK_FULL' : 'SECRET_NOT_WRITTEN', message, { cause: error })
  }
}

/** Overwrites a secret before it is deleted; what the disk's own copies keep is beyond a program's reach. */
export async function wipeSecretFile(path: string): Promise<void> {
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
