import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** A folder that goes with whoever opened it. */
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
    const path = await makeTemporaryFolder(this.#prefix)
    this.owe('folder', () => rm(path, { recursive: true, force: true }))
    this.#path = path
  }
}
