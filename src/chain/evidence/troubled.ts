import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EvidenceUpload } from '../../client/evidence-intake.js'

/** Files, and bytes of them, beyond which nothing more is kept: the first ones show what is wrong, and a stranger fills no disk. */
const FILES_MAX = 16
const BYTES_MAX_KEPT = 64 << 20

/** Evidence that could not be worked on, as files for whoever looks into it: nothing reads them again, and deleting them makes room for others. */
export class TroubledInputs {
  readonly #dir: string
  #last: Promise<unknown> = Promise.resolve()

  /** @param dir made when there is something to keep */
  constructor(dir: string) {
    this.#dir = dir
  }

  /** Keeps the bytes of an upload. Returns the file, or null if it was not kept; never rejects. */
  add(of: string, upload: Pick<EvidenceUpload, 'parts' | 'byteLength'>): Promise<string | null> {
    // One after the other, so that they are counted.
    const added = this.#last.then(() => this.#add(of, upload)).catch(() => null)
    this.#last = added
    return added
  }

  async #add(of: string, upload: Pick<EvidenceUpload, 'parts' | 'byteLength'>): Promise<string | null> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 })
    const names = await readdir(this.#dir)
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(this.#dir, name))).size))
    const bytes = sizes.reduce((sum, size) => sum + size, upload.byteLength)
    const file = join(this.#dir, `${of.replaceAll(/[^a-z0-9]+/g, '-')}.bin`)
    if (names.length >= FILES_MAX || bytes > BYTES_MAX_KEPT) return null
    try {
      await writeFile(file, upload.parts(), { mode: 0o600 })
      return file
    } catch (error) {
      await rm(file, { force: true })
      throw error
    }
  }
}
