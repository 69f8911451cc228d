import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type Hyperdrive from 'hyperdrive'
import type { Source, SourceFile } from './scan.js'

/** Files whose entries are written to the drive's metadata in one batch. */
const ENTRIES_PER_BATCH = 512

/** One read becomes one block of the blobs hypercore; 64 KiB is what Hyperblobs itself would choose. */
const BLOCK_BYTES = 64 * 1024

/**
 * Writes a source into an empty, writable drive, files in order, links.
 *
 * @param onBytes is told how many bytes of file content went in since it was last called
 */
export async function publish(
  drive: Hyperdrive,
  source: Source,
  { signal, onBytes }: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {}
): Promise<void> {
  for (let at = 0; at < source.entries.length; at += ENTRIES_PER_BATCH) {
    const batch = drive.batch()
    try {
      for (const entry of source.entries.slice(at, at + ENTRIES_PER_BATCH)) {
        signal?.throwIfAborted()
        if (entry.kind === 'link') await batch.symlink(entry.name, entry.target)
        else await publishFile(batch, entry, signal, onBytes)
      }
      await batch.flush()
    } catch (error) {
      await batch.close()
      throw error
    }
  }
}

async function publishFile(
  batch: Hyperdrive,
  { name, path, executable }: SourceFile,
  signal: AbortSignal | undefined,
  onBytes: ((bytes: number) => void) | undefined
): Promise<void> {
  const reader = createReadStream(path, { highWaterMark: BLOCK_BYTES, ...(signal ? { signal } : {}) })
  if (onBytes) reader.on('data', (bytes) => onBytes(bytes.length))
  await pipeline(reader, batch.createWriteStream(name, { executable }))
}
