import { statfs } from 'node:fs/promises'
import { DatdotError, InputError, StorageError } from '../errors.js'

/** What RocksDB needs beyond the chunks themselves: its log, and tables that it rewrites. */
export const WORKING_BYTES = 64 << 20

const FULL = /no space left|ENOSPC|EDQUOT|quota exceeded|database or disk is full|SQLITE_FULL/i
const LOCKED = /could not be locked|resource temporarily unavailable|lock hold by|ELOCKED|EAGAIN|SQLITE_BUSY/i
const NO_FOLDER = /ENOTDIR|EEXIST|ENAMETOOLONG|ELOOP/
const DENIED = /EACCES|EPERM|EROFS|permission denied|read-only file system|SQLITE_READONLY|SQLITE_CANTOPEN/i

/** What went wrong in the folder `dir`, with a stable code and what to do; coded errors pass unchanged. */
export function storageFailure(error: unknown, dir: string): DatdotError {
  if (error instanceof DatdotError) return error
  const { code, message } = error as { code?: unknown; message?: unknown }
  const text = `${typeof code === 'string' ? code : ''} ${typeof message === 'string' ? message : String(error)}`
  const options = { cause: error }
  if (FULL.test(text)) return diskFull(dir, options)
  if (LOCKED.test(text)) {
    return new InputError(
      'STORAGE_IN_USE',
      `The folder ${dir} is in use by another process; stop that one or choose another folder.`,
      options
    )
  }
  if (NO_FOLDER.test(text)) {
    return new InputError(
      'STORAGE_NOT_A_FOLDER',
      `${dir} is not a folder and cannot become one; choose another path.`,
      options
    )
  }
  if (DENIED.test(text)) {
    return new InputError(
      'STORAGE_DENIED',
      `The folder ${dir} cannot be written; check its owner and permissions or choose another folder.`,
      options
    )
  }
  return new StorageError('STORAGE_FAILED', `The store in ${dir} failed: ${text.trim()}`, options)
}

/** Runs `work`, turning whatever it throws into a coded error. */
export async function guarded<T>(dir: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const failure = storageFailure(error, dir)
    // RocksDB does not say why it could not write.
    if (failure.code === 'STORAGE_FAILED' && (await diskFreeBytes(dir)) < WORKING_BYTES) {
      throw diskFull(dir, { cause: error })
    }
    throw failure
  }
}

/** Bytes that the file system of `dir` still gives to this user; Infinity where it does not say. */
export async function diskFreeBytes(dir: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dir)
    return bavail * bsize
  } catch {
    return Infinity
  }
}

export function diskFull(dir: string, options?: ErrorOptions): StorageError {
  return new StorageError(
    'STORAGE_DISK_FULL',
    `The disk that holds ${dir} is full; free some space, then start again: what was stored is intact.`,
    options
  )
}
