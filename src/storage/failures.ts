import { diskFreeBytes } from '../disk-space.js'
import { DatdotError, InputError, StorageError } from '../errors.js'
import { fileTrouble, type FileTrouble } from '../file-failure.js'

/** What RocksDB needs beyond the chunks themselves: its log, and tables that it rewrites. */
export const WORKING_BYTES = 64 << 20

/**
 * What RocksDB says, which has no codes but the one for all: its own words, and those of `strerror` for what the system
 * told it.
 */
const ROCKSDB: readonly [RegExp, FileTrouble | 'corrupt' | 'locked'][] = [
  [/no space left on device|disk quota exceeded/i, 'full'],
  [/too many open files/i, 'limit'],
  [/permission denied|operation not permitted|read-only file system/i, 'denied'],
  [/input\/output error/i, 'device'],
  [/lock hold by|no locks available|resource temporarily unavailable/i, 'locked'],
  [/no such file or directory|existing (log|sst) file/i, 'corrupt'],
  [/corrupt|(checksum|crc) mismatch|does not end with newline/i, 'corrupt']
]

type Trouble = (typeof ROCKSDB)[number][1] | 'moved' | 'foreign'

/**
 * What went wrong in the store at `dir`, of the file system, of RocksDB and hypercore-storage above it, or of SQLite, with a
 * code of ours and the original as cause. What is not known says so; coded errors pass unchanged.
 */
export function storageFailure(error: unknown, dir: string): DatdotError {
  if (error instanceof DatdotError) return error
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const text = wordsOf(error, typeof message === 'string' ? message : String(error))
  const said = typeof code === 'string' && !text.startsWith(code) ? `${text} [${code}]` : text
  const options = { cause: error }
  switch (troubleIn(error)) {
    case 'full':
      return diskFull(dir, options)
    case 'locked':
      return new InputError(
        'STORAGE_IN_USE',
        `The folder ${dir} is in use by another process; stop that one or choose another folder.`,
        options
      )
    case 'not-a-file':
      return new InputError(
        'STORAGE_NOT_A_FOLDER',
        `${dir} is not a folder and cannot become one; choose another path.`,
        options
      )
    case 'denied':
      return new InputError(
        'STORAGE_DENIED',
        `The folder ${dir} cannot be written: ${said}; check its owner and permissions or choose another folder.`,
        options
      )
    case 'moved':
      return new InputError(
        'STORAGE_MOVED',
        `The store in ${dir} was copied or moved after it was written (${said}): it is opened only where it was written, ` +
          'so that no two of it go on. Move it back, or choose another folder.',
        options
      )
    case 'limit':
      return new StorageError(
        'STORAGE_LIMIT',
        `The store in ${dir} failed: too many files are open (${said}); raise the limit (ulimit -n).`,
        options
      )
    case 'device':
      return new StorageError(
        'STORAGE_DISK_FAILED',
        `The disk of ${dir} failed: ${said}; check disk and file system.`,
        options
      )
    case 'corrupt':
      return new StorageError('STORAGE_CORRUPT', `The store in ${dir} is damaged: ${said}.`, options)
    case 'foreign':
      return new StorageError(
        'STORAGE_FORMAT',
        `${dir} is not a store of this version of datdot; choose another folder.`,
        options
      )
    default:
      return new StorageError(
        'STORAGE_FAILED',
        `The store in ${dir} failed, and it is not known why: ${said}`,
        options
      )
  }
}

/** What an error, or one that caused it or that it sums up, is known to be about. */
function troubleIn(error: unknown): Trouble {
  for (let at = error, depth = 0; at instanceof Error && depth < CAUSES_MAX; depth++) {
    const known = knownTrouble(at)
    if (known !== 'unknown') return known
    // Of a batch RocksDB says no more than that it was not applied; why is in the errors below that.
    const [first] = at instanceof AggregateError ? at.errors.filter((one) => one instanceof Error) : []
    at = first ?? at.cause
  }
  return 'unknown'
}

function knownTrouble(error: Error): Trouble {
  const { code = '', syscall } = error as NodeJS.ErrnoException
  if (syscall !== undefined) return fileTrouble(error)
  if (code === 'DEVICE_FILE') return 'moved'
  if (code.startsWith('SQLITE_')) return SQLITE[/^SQLITE_([A-Z]+)/.exec(code)![1]!] ?? 'unknown'
  // fd-lock, below hypercore-storage, has no code for it.
  if (error.message === 'File descriptor could not be locked') return 'locked'
  return ROCKSDB.find(([words]) => words.test(error.message))?.[1] ?? 'unknown'
}

/** Of the records beside RocksDB. Why a file cannot be opened SQLite does not say. */
const SQLITE: Readonly<Record<string, Trouble>> = {
  BUSY: 'locked',
  CORRUPT: 'corrupt',
  FULL: 'full',
  IOERR: 'device',
  NOTADB: 'foreign',
  PERM: 'denied',
  READONLY: 'denied'
}

/** What an error says, with the first of those that it sums up. */
function wordsOf(error: unknown, message: string): string {
  const [first] = error instanceof AggregateError ? error.errors.filter((one) => one instanceof Error) : []
  return first ? `${message}: ${first.message}` : message
}

/** Errors that are looked through for one that is known. */
const CAUSES_MAX = 8

/** Runs `work`, turning whatever it throws into a coded error. */
export async function guarded<T>(dir: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const failure = storageFailure(error, dir)
    // RocksDB does not always say why it could not write. This may be it, or not.
    const freeBytes = failure.code === 'STORAGE_FAILED' ? await diskFreeBytes(dir) : Infinity
    if (freeBytes >= WORKING_BYTES) throw failure
    const hint = `${failure.message}; its disk has only ${freeBytes} bytes left`
    throw new StorageError('STORAGE_FAILED', hint, { cause: error })
  }
}

export function diskFull(dir: string, options?: ErrorOptions): StorageError {
  return new StorageError(
    'STORAGE_DISK_FULL',
    `The disk that holds ${dir} is full; free some space, then start again: what was stored is intact.`,
    options
  )
}
