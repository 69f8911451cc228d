import { mkdir, mkdtemp, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { InputError } from './errors.js'
import { fileTrouble } from './file-failure.js'
import { Resource } from './lifecycle.js'

/**
 * Makes a fresh folder of its own among the machine's temporary files.
 *
 * @throws InputError TMPDIR_UNUSABLE, DISK_FULL
 */
export async function makeTemporaryFolder(prefix: string): Promise<string> {
  const where = tmpdir()
  try {
    return await mkdtemp(join(where, prefix))
  } catch (error) {
    if (fileTrouble(error) === 'full') {
      const message = `temporary files are to go to ${where}, and its disk is full; free some space or set TMPDIR`
      throw new InputError('DISK_FULL', message, { cause: error })
    }
    const there = await stat(where).catch(() => null)
    throw unusable(where, there?.isDirectory() ?? false, error)
  }
}

function unusable(where: string, isFolder: boolean, error: unknown): InputError {
  const why = isFolder ? `it cannot be written: ${(error as Error).message}` : 'there is no such folder'
  return new InputError(
    'TMPDIR_UNUSABLE',
    `temporary files are to go to ${where}, but ${why}; set TMPDIR to a folder that can be written`,
    { cause: error }
  )
}

/** Locked while the folder is in use. Locked under another name first: nobody finds it unlocked before that. */
const LOCK = 'in-use'
const FILES = 'files'

/** A folder that goes with whoever opened it; what killed processes left of the same kind goes when the next one is opened. */
export class TemporaryFolder extends Resource {
  readonly #prefix: string
  #path = ''

  /** @param prefix of its name, such as `datdot-audit-` */
  constructor(prefix: string) {
    super()
    this.#prefix = prefix
  }

  /** Where it is, once it is open. */
  get path(): string {
    return this.#path
  }

  /** Throws as `makeTemporaryFolder` does. */
  protected async start(): Promise<void> {
    const folder = await makeTemporaryFolder(this.#prefix)
    this.owe('folder', () => rm(folder, { recursive: true, force: true }))
    const beside = join(folder, `${LOCK}.new`)
    const file = this.own('lock', await open(beside, 'wx', 0o600))
    // On a file system without locks nothing is swept, since nothing is found locked or free.
    if (await locked(file)) await rename(beside, join(folder, LOCK))
    await mkdir(join(folder, FILES))
    this.#path = join(folder, FILES)
    await sweep(dirname(folder), this.#prefix)
  }
}

/** Removes the folders of this prefix whose process is gone; what cannot be removed is left. */
async function sweep(where: string, prefix: string): Promise<void> {
  const names = await readdir(where).catch(() => [])
  for (const name of names) {
    if (!name.startsWith(prefix)) continue
    const folder = join(where, name)
    const file = await open(join(folder, LOCK), 'r+').catch(() => null)
    if (!file) continue
    try {
      if (await locked(file)) await rm(folder, { recursive: true, force: true }).catch(() => {})
    } finally {
      await file.close()
    }
  }
}

/** The kernel's lock ends with the process that holds it. Loaded late: who finds that native parts do not load is below this. */
async function locked(file: FileHandle): Promise<boolean> {
  const { tryLock } = await import('fs-native-extensions')
  try {
    return tryLock(file.fd)
  } catch {
    return false
  }
}
