import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Source, SourceFile } from './scan.js'

const WINDOW_BYTES = 1 << 20

/** What was read back, beside the folder with the files themselves. */
export interface ReadBack {
  files: number
  links: { name: string; target: string }[]
}

/**
 * Compares a source, byte for byte, with the files that somebody read back into `folder`.
 *
 * @returns what differs, one sentence each, at most ten of them; empty where everything is identical
 */
export async function differences(source: Source, folder: string, readBack: ReadBack): Promise<string[]> {
  const found: string[] = []
  const links = new Map(readBack.links.map(({ name, target }) => [name, target]))
  const linksExpected = source.entries.length - source.files
  if (readBack.files !== source.files) found.push(`${readBack.files} files instead of ${source.files}`)
  if (links.size !== linksExpected) found.push(`${links.size} links instead of ${linksExpected}`)

  const window = Buffer.allocUnsafe(2 * WINDOW_BYTES)
  for (const entry of source.entries) {
    if (found.length >= 10) break
    if (entry.kind === 'link') {
      const target = links.get(entry.name)
      if (target !== entry.target)
        found.push(`${entry.name} links to ${target ?? 'nothing'}, not ${entry.target}`)
      continue
    }
    const copy = join(folder, entry.name)
    const difference = entry.digest
      ? await publishedDifference(entry, entry.digest, copy)
      : await fileDifference(entry.path, copy, window)
    if (difference !== null) found.push(`${entry.name} ${difference}`)
  }
  return found
}

/** Of what was published the digest is known; the file itself may have changed since. */
async function publishedDifference(
  { executable }: SourceFile,
  digest: Buffer,
  copy: string
): Promise<string | null> {
  try {
    if ((((await stat(copy)).mode & 0o100) !== 0) !== executable) return 'differs in its executable bit'
    const hash = createHash('sha256')
    await pipeline(createReadStream(copy, { highWaterMark: WINDOW_BYTES }), hash)
    return hash.digest().equals(digest) ? null : 'differs from what was published'
  } catch (error) {
    return `cannot be compared: ${(error as Error).message}`
  }
}

async function fileDifference(original: string, copy: string, window: Buffer): Promise<string | null> {
  const handles: FileHandle[] = []
  try {
    handles.push(await open(original))
    handles.push(await open(copy))
    const [a, b] = handles as [FileHandle, FileHandle]
    const executable = async (path: string): Promise<boolean> => ((await stat(path)).mode & 0o100) !== 0
    if ((await executable(original)) !== (await executable(copy))) return 'differs in its executable bit'
    for (let position = 0; ;) {
      const [left, right] = await Promise.all([
        fill(a, window.subarray(0, WINDOW_BYTES), position),
        fill(b, window.subarray(WINDOW_BYTES), position)
      ])
      if (!left.equals(right)) return `differs after byte ${position}`
      if (left.length < WINDOW_BYTES) return null
      position += left.length
    }
  } catch (error) {
    return `cannot be compared: ${(error as Error).message}`
  } finally {
    await Promise.all(handles.map((handle) => handle.close()))
  }
}

/** Reads until the window is full or the file ends; a single read may return less than is there. */
async function fill(handle: FileHandle, window: Buffer, position: number): Promise<Buffer> {
  let filled = 0
  while (filled < window.length) {
    const { bytesRead } = await handle.read(window, filled, window.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return window.subarray(0, filled)
}
