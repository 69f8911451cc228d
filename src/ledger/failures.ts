import { dirname } from 'node:path'
import { DatdotError, InputError, StorageError, type ErrorCode } from '../errors.js'
import { isFolder, openingTrouble } from '../file-failure.js'
import { isSqliteError } from '../sqlite.js'

/**
 * What SQLite, or the system below it, reports of the ledger in `path`, with a code of ours and the original as cause.
 * Anything else passes as it is: it is not about the file.
 */
export function ledgerFailure(error: unknown, path: string): unknown {
  if (error instanceof DatdotError) return error
  const options = { cause: error }
  const where = path === ':memory:' || path === '' ? 'in memory' : path
  if (!isSqliteError(error)) return error
  const { code, message } = error
  const said = `${message} [${code}]`
  // Extended codes, such as SQLITE_IOERR_WRITE, say more of the same.
  switch (/^SQLITE_[A-Z]+/.exec(code)?.[0]) {
    case 'SQLITE_CANTOPEN':
      return notOpened(error, path)
    case 'SQLITE_NOTADB':
      return new InputError('LEDGER_NOT_A_LEDGER', `${where} is not a ledger: ${said}`, options)
    case 'SQLITE_CORRUPT':
      return new StorageError('LEDGER_DAMAGED', `the ledger ${where} is damaged: ${said}`, options)
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return new InputError(
        'LEDGER_IN_USE',
        `the ledger ${where} is locked by another process: ${said}; stop that one or wait for it`,
        options
      )
    case 'SQLITE_PERM':
    case 'SQLITE_READONLY':
      return denied(error, path, said)
    case 'SQLITE_FULL':
      return new StorageError(
        'LEDGER_DISK_FULL',
        `the ledger cannot be written, its disk is full: ${said}; free some space, what was committed is intact`,
        options
      )
    case 'SQLITE_IOERR':
      if (isFolder(path)) return new InputError('LEDGER_NOT_A_LEDGER', `${path} is a folder`, options)
      return new StorageError(
        'LEDGER_DISK_FAILED',
        `the ledger cannot be read or written, its disk failed: ${said}`,
        options
      )
    default:
      return new StorageError('LEDGER_FAILED', `the ledger failed, and it is not known why: ${said}`, options)
  }
}

/** Whether SQLite stumbles over what is in the file: our statements are right where the file is. */
export function isDamage(failure: unknown): boolean {
  const codes: readonly ErrorCode[] = ['LEDGER_DAMAGED', 'LEDGER_FAILED', 'LEDGER_NOT_A_LEDGER']
  return failure instanceof DatdotError && codes.includes(failure.code)
}

/** SQLite does not say why it could not open a file; the system is asked again. */
export function notOpened(error: unknown, path: string): DatdotError {
  const options = { cause: error }
  const { message } = error as Error
  switch (openingTrouble(path, 'r')) {
    case 'missing':
      return new InputError('LEDGER_NOT_FOUND', `there is no ledger ${path}: ${message}`, options)
    case 'not-a-file':
      return new InputError('LEDGER_NOT_A_LEDGER', `${path} is not a file`, options)
    case 'denied':
      return denied(error, path, message)
    case 'limit':
      return new StorageError(
        'LEDGER_FAILED',
        `the ledger ${path} cannot be opened: this process has too many files open; raise the limit (ulimit -n)`,
        options
      )
    default:
      return new StorageError(
        'LEDGER_FAILED',
        `the ledger ${path} cannot be opened, and SQLite does not say why: ${message}; ` +
          `it also needs to write beside it in ${dirname(path)}`,
        options
      )
  }
}

function denied(cause: unknown, path: string, said: string): InputError {
  return new InputError(
    'LEDGER_DENIED',
    `the ledger ${path} may not be read or written: ${said}; check its owner and permissions, and its folder's`,
    { cause }
  )
}
