import { closeSync, openSync, statSync } from 'node:fs'

/** What the system says is wrong with a file or folder. `unknown`: nothing that is understood here. */
export type FileTrouble = 'missing' | 'not-a-file' | 'denied' | 'limit' | 'full' | 'device' | 'unknown'

/** By the names of errno. */
const TROUBLES: Readonly<Record<string, FileTrouble>> = {
  ENOENT: 'missing',
  EEXIST: 'not-a-file',
  EISDIR: 'not-a-file',
  ELOOP: 'not-a-file',
  ENOTDIR: 'not-a-file',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EMFILE: 'limit',
  ENFILE: 'limit',
  EDQUOT: 'full',
  ENOSPC: 'full',
  EIO: 'device'
}

/**
 * What a failed call of `node:fs` says. Only its own errors count: libraries use the same codes for what they do not
 * know better (RocksDB says `EIO` of everything).
 */
export function fileTrouble(error: unknown): FileTrouble {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException
  if (code === undefined || syscall === undefined) return 'unknown'
  return TROUBLES[code] ?? 'unknown'
}

/** Why a file cannot be opened, for libraries that do not say; `unknown` if it can. */
export function openingTrouble(path: string, flags: 'r' | 'r+'): FileTrouble {
  try {
    closeSync(openSync(path, flags))
    return 'unknown'
  } catch (error) {
    return fileTrouble(error)
  }
}

/** Whether there is a folder at a path where a file was expected. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
