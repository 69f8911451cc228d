import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What a file is to hold; by its handle where that depends on where it lies. */
type Content = string | Uint8Array | ((file: FileHandle) => Promise<string | Uint8Array>)

/**
 * Puts a file, readable by its owner only, in the place of what was there. Written beside it and renamed, and both on
 * disk when this returns: a crash at any moment leaves all of the old one or all of the new one.
 */
export async function writeWholeFile(path: string, content: Content): Promise<void> {
  const beside = `${path}.new`
  // What a crash left there may have another mode.
  await rm(beside, { force: true })
  const file = await open(beside, 'wx', 0o600)
  try {
    await file.writeFile(typeof content === 'function' ? await content(file) : content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
