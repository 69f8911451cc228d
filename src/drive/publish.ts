import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type Hyperdrive from 'hyperdrive'
import type { Source, SourceEntry, SourceFile } from './scan.js'

/** Files whose entries are written to the drive's metadata in one batch. */
const ENTRIES_PER_BATCH = 512

/** One read becomes one block of the blobs hypercore; 64 KiB is what Hyperblobs itself would choose. */
const BLOCK_BYTES = 64 * 1024

/** No link is followed where a file was, and nothing is waited for where a FIFO is now. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export interface PublishOptions {
  signal?: AbortSignal
  /** Is told how many bytes of file content went in since it was last called. */
  onBytes?: (bytes: number) => void
}

/**
 * Writes a source into an empty, writable drive, files in order, links.
 *
 * @returns what went in, each file with the digest of what was read of it: the folder may have changed since it was scanned, and
 *   may change again. What vanished meanwhile, or is no file any more, is left out and stands in `skipped`.
 */
export async function publish(
  drive: Hyperdrive,
  source: Source,
  options: PublishOptions = {}
): Promise<Source> {
  const published: Source = { ...source, entries: [], files: 0, bytes: 0, skipped: [...source.skipped] }
  for (let at = 0; at < source.entries.length; at += ENTRIES_PER_BATCH) {
    const batch = drive.batch()
    try {
      for (const entry of source.entries.slice(at, at + ENTRIES_PER_BATCH)) {
        options.signal?.throwIfAborted()
        const made = await publishEntry(batch, entry, options)
        if ('why' in made) published.skipped.push({ path: entry.path, why: made.why })
        else published.entries.push(made)
        if (!('kind' in made) || made.kind === 'link') continue
        published.files++
        published.bytes += made.bytes
      }
      await batch.flush()
    } catch (error) {
      await batch.close()
      throw error
    }
  }
  return published
}

async function publishEntry(
  batch: Hyperdrive,
  entry: SourceEntry,
  options: PublishOptions
): Promise<SourceEntry | { why: string }> {
  if (entry.kind === 'link') {
    await batch.symlink(entry.name, entry.target)
    return entry
  }
  let handle: FileHandle
  try {
    handle = await open(entry.path, OPEN_FLAGS)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return { why: 'it vanished before it was read' }
    if (code === 'ELOOP' || code === 'ENXIO') return { why: 'it is no file any more' }
    if (code === 'EACCES' || code === 'EPERM') return { why: 'it may not be read any more' }
    throw new Error(`${entry.path} cannot be read: ${message}`, { cause: error })
  }
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) return { why: 'it is no file any more' }
    const executable = (stats.mode & constants.S_IXUSR) !== 0
    return await publishFile(batch, { ...entry, executable }, handle, options)
  } finally {
    await handle.close()
  }
}

async function publishFile(
  batch: Hyperdrive,
  file: SourceFile,
  handle: FileHandle,
  { signal, onBytes }: PublishOptions
): Promise<SourceFile> {
  const hash = createHash('sha256')
  let bytes = 0
  const reader = handle.createReadStream({ highWaterMark: BLOCK_BYTES, autoClose: false })
  reader.on('data', (chunk) => {
    hash.update(chunk)
    bytes += chunk.length
    onBytes?.(chunk.length)
  })
  const writer = batch.createWriteStream(file.name, { executable: file.executable })
  await pipeline(reader, writer, ...(signal ? [{ signal }] : []))
  return { ...file, bytes, digest: hash.digest() }
}
