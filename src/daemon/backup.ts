import { constants } from 'node:fs'
import { mkdir, open, readFile, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { diskFreeBytes } from '../disk-space.js'
import { writeWholeFile } from '../whole-file.js'
import type { Clock } from '../clock.js'
import { blake3Stream } from '../crypto/hash.js'
import { InputError } from '../errors.js'
import { Resource, using } from '../lifecycle.js'
import { folderError, folderFull, lockFolder } from '../roles/data-folder.js'
import { DEVICE_FILE, INSTANCE_FILE, leadsToFolder } from '../roles/instance.js'

/** Written last, so that a copy without it is none: what is in it, file by file. */
const MANIFEST = 'backup.json'
const FORMAT = 1
/** Of a manifest: a hundred thousand files have some 15 MB. */
const MANIFEST_BYTES_MAX = 256 << 20
/** Read and written at a time. */
const PIECE_BYTES = 1 << 20
/** What a role of this folder made there: whoever has it is kept out while it is copied. */
const OF_A_ROLE = ['identity', 'role.json', 'network.json'] as const
/** Which copy this is, who has it, what was logged, and what follows from the rest. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  INSTANCE_FILE,
  DEVICE_FILE,
  'role.json',
  'store.json',
  'log.ndjson',
  'dashboard.db',
  'dashboard.db-wal',
  'dashboard.db-shm',
  MANIFEST
])

/** One file of a backup: where it is, how long, who may read it, and BLAKE3-256 of it. */
interface SavedFile {
  path: string
  bytes: number
  mode: number
  hash: string
}

interface Manifest {
  format: number
  /** When it was begun, as an ISO date. */
  made: string
  files: SavedFile[]
}

export interface CopyOptions {
  clock: Clock
  signal: AbortSignal
}

export interface Copied {
  files: number
  bytes: number
  /** When the backup was made, as an ISO date. */
  made: string
}

/**
 * Copies a data folder, of one role or of all roles of an operator, so that `restore` can make one of it again. Nobody runs it meanwhile.
 *
 * @param to must be new or empty; nothing is left there if it fails
 * @throws InputError BACKUP_NOTHING, BACKUP_CHAIN, DATA_IN_USE, DATA_NOT_EMPTY, DISK_FULL and as the system says of folders; the signal's reason
 */
export async function backUp(from: string, to: string, { clock, signal }: CopyOptions): Promise<Copied> {
  const [source, target] = [resolve(from), resolve(to)]
  const roles = await rolesIn(source)
  if (roles.length === 0) {
    throw new InputError('BACKUP_NOTHING', `${source} is no data folder: no role has an identity there`)
  }
  if ((target + sep).startsWith(source + sep)) {
    throw new InputError('BACKUP_NOTHING', `${target} lies in the folder that is to be copied`)
  }
  const chain = await chainIn(roles)
  if (chain !== undefined) {
    throw new InputError(
      'BACKUP_CHAIN',
      `${chain} holds a chain, which would go on from an older state without saying so; keep it where it is`
    )
  }
  return using(new Held(roles, clock), () =>
    written(source, target, async () => {
      const made = new Date(clock.wall()).toISOString()
      const files: SavedFile[] = []
      const found = await filesIn(source)
      await checkRoom(
        target,
        found.reduce((sum, { bytes }) => sum + bytes, 0)
      )
      for (const { path, mode } of found) {
        const { bytes, hash } = await copyFile(join(source, path), join(target, path), mode, signal)
        files.push({ path, bytes, mode, hash })
      }
      const manifest: Manifest = { format: FORMAT, made, files }
      await writeWholeFile(join(target, MANIFEST), JSON.stringify(manifest) + '\n')
      return summary(manifest)
    })
  )
}

/**
 * Makes a data folder of a backup. What comes of it is another instance than the one that was copied.
 *
 * @param to must be new or empty; nothing is left there if it fails
 * @throws InputError BACKUP_NONE, BACKUP_DAMAGED, DATA_NOT_EMPTY, DISK_FULL and as the system says of folders; the signal's reason
 */
export async function restore(from: string, to: string, { signal }: CopyOptions): Promise<Copied> {
  const [source, target] = [resolve(from), resolve(to)]
  const manifest = await readManifest(source)
  return written(source, target, async () => {
    await checkRoom(
      target,
      manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
    )
    for (const saved of manifest.files) {
      const path = join(source, saved.path)
      const copied = await copyFile(path, join(target, saved.path), saved.mode, signal).catch(
        (error: unknown) => {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
          throw damaged(path, 'is missing')
        }
      )
      if (copied.bytes !== saved.bytes || copied.hash !== saved.hash)
        throw damaged(path, 'is not what it was when the backup was made')
    }
    return summary(manifest)
  })
}

/** Keeps whoever runs these folders out of them. */
class Held extends Resource {
  readonly #folders: readonly string[]
  readonly #clock: Clock

  constructor(folders: readonly string[], clock: Clock) {
    super()
    this.#folders = folders
    this.#clock = clock
  }

  protected async start(): Promise<void> {
    for (const folder of this.#folders)
      for (const lock of await lockFolder(folder, { role: 'backup', clock: this.#clock }))
        await this.acquire('lock', lock)
  }
}

/** The folders of roles: this one, or those right below it. */
async function rolesIn(folder: string): Promise<string[]> {
  const isRole = async (path: string): Promise<boolean> => {
    const names = new Set(await readdir(path).catch((error: unknown) => throwing(path, error)))
    return OF_A_ROLE.some((name) => names.has(name))
  }
  const below = await readdir(folder).catch((error: unknown) => throwing(folder, error))
  const roles: string[] = []
  for (const path of [folder, ...below.map((name) => join(folder, name))])
    if ((path === folder || (await leadsToFolder(path))) && (await isRole(path))) roles.push(path)
  return roles
}

function throwing(folder: string, error: unknown): never {
  throw folderError(folder, error)
}

async function chainIn(roles: readonly string[]): Promise<string | undefined> {
  for (const path of roles) if ((await readdir(path)).includes('ledger.db')) return path
  return undefined
}

/** All that is to be copied, by paths from `folder`; what lies behind a link as if it lay there. */
async function filesIn(folder: string): Promise<{ path: string; bytes: number; mode: number }[]> {
  const files: { path: string; bytes: number; mode: number }[] = []
  const look = async (path: string): Promise<void> => {
    for (const name of (await readdir(join(folder, path))).sort()) {
      if (LEFT_OUT.has(name)) continue
      const at = path === '' ? name : `${path}/${name}`
      const found = await stat(join(folder, at))
      if (found.isDirectory()) await look(at)
      else if (found.isFile()) files.push({ path: at, bytes: found.size, mode: found.mode & 0o777 })
    }
  }
  await look('')
  return files
}

async function checkRoom(target: string, bytes: number): Promise<void> {
  if ((await diskFreeBytes(target)) < bytes) throw folderFull(target)
}

/** Has `write` fill a folder that is new or empty; what it left of a failure is removed, with all that was made for it. */
async function written<T>(source: string, target: string, write: () => Promise<T>): Promise<T> {
  let made: string | undefined
  try {
    made = await mkdir(target, { recursive: true, mode: 0o700 })
    const [first] = await readdir(target)
    if (first !== undefined) {
      throw new InputError(
        'DATA_NOT_EMPTY',
        `${target} holds other files, ${JSON.stringify(first)} among them; choose a new or empty folder`
      )
    }
  } catch (error) {
    throw folderError(target, error)
  }
  try {
    return await write()
  } catch (error) {
    if (made !== undefined) await rm(made, { recursive: true, force: true })
    else
      for (const name of await readdir(target)) await rm(join(target, name), { recursive: true, force: true })
    throw folderError((error as NodeJS.ErrnoException).syscall === 'read' ? source : target, error)
  }
}

/** Copies a file and hashes what was copied; it is on the disk when this returns. */
async function copyFile(
  from: string,
  to: string,
  mode: number,
  signal: AbortSignal
): Promise<{ bytes: number; hash: string }> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  const hasher = blake3Stream()
  let bytes = 0
  const source = await open(from, constants.O_RDONLY)
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 })
    const target = await open(to, 'wx', mode)
    try {
      for (;;) {
        signal.throwIfAborted()
        const { bytesRead } = await source.read(piece, 0, PIECE_BYTES)
        if (bytesRead === 0) break
        const part = piece.subarray(0, bytesRead)
        hasher.update(part)
        await target.writeFile(part)
        bytes += bytesRead
      }
      await target.sync()
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
  return { bytes, hash: hasher.digest().toString('hex') }
}

async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST)
  const none = (why: string, cause?: unknown): InputError =>
    new InputError('BACKUP_NONE', `${folder} is no whole backup: ${path} ${why}`, { cause })
  let text: string
  try {
    if ((await stat(path)).size > MANIFEST_BYTES_MAX) throw none('is too long')
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw error instanceof InputError ? error : none('cannot be read', error)
  }
  const manifest = parse(text)
  if (!manifest) throw none('is not one that this version of datdot writes')
  return manifest
}

function parse(text: string): Manifest | null {
  try {
    const { format, made, files } = JSON.parse(text) as Partial<Manifest>
    if (format !== FORMAT || typeof made !== 'string' || !Array.isArray(files)) return null
    return files.every(isSaved) ? { format, made, files } : null
  } catch {
    return null
  }
}

/** Whoever wrote a backup must not have it written elsewhere than where it is restored. */
function isSaved(value: unknown): value is SavedFile {
  const { path, bytes, mode, hash } = (value ?? {}) as Partial<SavedFile>
  if (typeof path !== 'string' || typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) return false
  if (!Number.isSafeInteger(bytes) || bytes! < 0) return false
  if (!Number.isSafeInteger(mode) || mode! < 0 || mode! > 0o777) return false
  return path.split('/').every((name) => name !== '' && name !== '.' && name !== '..' && !/[\\\0]/.test(name))
}

function damaged(path: string, how: string): InputError {
  return new InputError('BACKUP_DAMAGED', `${path} ${how}: restore another backup`)
}

function summary({ made, files }: Manifest): Copied {
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), made }
}
