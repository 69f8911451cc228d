import { readFile, readdir, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWholeFile } from '../whole-file.js'

/** In the folder of one role, beside its identity: which of its copies this is. */
export const INSTANCE_FILE = 'instance'
/** What hypercore-storage writes beside its rows, so that it can refuse a folder that was copied. */
export const DEVICE_FILE = 'CORESTORE'
/** Bytes of a number that tells two copies of one folder apart. */
const INSTANCE_BYTES = 16

/** How deep below a role's folder stores lie. */
const DEPTH_MAX = 4

/** Where a file was made: a copy of it is elsewhere, or was made later. */
interface Place {
  inode: number
  madeMs: number
}

/**
 * The number of this copy of a role's folder. It stays through restarts, and is a new one where the folder was copied: of an identity
 * with two folders the chain then knows which one speaks. The folder must be its caller's.
 */
export async function loadInstance(
  folder: string,
  randomBytes: (length: number) => Uint8Array
): Promise<Buffer> {
  const path = join(folder, INSTANCE_FILE)
  const known = await read(path)
  if (known?.here) return known.id
  const id = Buffer.from(randomBytes(INSTANCE_BYTES))
  await write(path, id)
  return id
}

/** Whether a role's folder is another one than that in which an earlier run was: copied, restored, or moved to another disk. */
export async function isCopied(folder: string): Promise<boolean> {
  return (await read(join(folder, INSTANCE_FILE)))?.here === false
}

async function read(path: string): Promise<{ id: Buffer; here: boolean } | null> {
  const known = await readFile(path, 'utf8').then(parse, () => null)
  if (!known) return null
  const place = placeOf(await stat(path))
  return { id: known.id, here: known.inode === place.inode && known.madeMs === place.madeMs }
}

/** Has hypercore-storage open what was copied: who has a copied folder is known by its instance. */
export async function dropDeviceFiles(folder: string, depth = DEPTH_MAX): Promise<void> {
  await rm(join(folder, DEVICE_FILE), { force: true })
  if (depth === 0) return
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    // A store may lie on another disk, behind a link.
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await leadsToFolder(path))))
      await dropDeviceFiles(path, depth - 1)
  }
}

/** Its place is only known once the file is there. */
function write(path: string, id: Buffer): Promise<void> {
  return writeWholeFile(
    path,
    async (file) => JSON.stringify({ instance: id.toString('hex'), ...(await placed(file)) }) + '\n'
  )
}

async function placed(file: FileHandle): Promise<Place> {
  return placeOf(await file.stat())
}

function placeOf({ ino, birthtimeMs }: { ino: number; birthtimeMs: number }): Place {
  return { inode: ino, madeMs: Math.floor(birthtimeMs) }
}

function parse(text: string): ({ id: Buffer } & Place) | null {
  try {
    const { instance, inode, madeMs } = JSON.parse(text) as Record<string, unknown>
    if (typeof instance !== 'string' || !/^[0-9a-f]{32}$/.test(instance)) return null
    if (typeof inode !== 'number' || typeof madeMs !== 'number') return null
    return { id: Buffer.from(instance, 'hex'), inode, madeMs }
  } catch {
    return null
  }
}

/** Whether a path leads to a folder, over links too; one that cannot be followed does not. */
export async function leadsToFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false
  )
}
