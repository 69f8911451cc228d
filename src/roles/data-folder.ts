import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { InputError } from '../errors.js'

/** Written first into a data folder: whoever creates it owns the folder. */
const MARKER = 'network.json'
/** Again where a file came up while its folder was emptied. */
const REMOVE = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 } as const

/** The folder of one local network: a subfolder for each role, the chain's among them. */
export interface DataFolder {
  path: string
  /** The folder of a role, such as `pinner-1`. */
  of(role: string): string
  /** Removes all that this network wrote, and the folder itself if it was made for it. */
  discard(): Promise<void>
}

/**
 * Makes a folder ready for a new network: a fresh temporary one, or `path`, which must be new or empty.
 *
 * @param neededBytes what the network will write at most, roughly; checked against the free space
 * @throws InputError DATA_NOT_A_FOLDER, DATA_NOT_WRITABLE, DATA_IN_USE, DATA_HOLDS_NETWORK, DATA_NOT_EMPTY, DISK_FULL
 */
export async function prepareDataFolder(path: string | undefined, neededBytes: number): Promise<DataFolder> {
  const { folder, created } = await makeFolder(path)
  const discard = async (): Promise<void> => {
    if (created !== null) return rm(created, REMOVE)
    for (const name of await readdir(folder)) await rm(join(folder, name), REMOVE)
  }
  await claim(folder)
  try {
    await checkSpace(folder, neededBytes)
  } catch (error) {
    await discard()
    throw error
  }
  return { path: folder, of: (role) => join(folder, role), discard }
}

async function makeFolder(path: string | undefined): Promise<{ folder: string; created: string | null }> {
  try {
    if (path === undefined) {
      const folder = await mkdtemp(join(tmpdir(), 'datdot-'))
      return { folder, created: folder }
    }
    const folder = resolve(path)
    return { folder, created: await makeParents(folder) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const where = path ?? tmpdir()
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new InputError('DATA_NOT_A_FOLDER', `${where} is not a folder; give --data a new or empty folder`)
    }
    if (code === 'ENOSPC') throw diskFull(where)
    throw notWritable(where, message)
  }
}

/** A role's own folder while its process runs. */
export interface RoleFolder {
  path: string
  /** Lets another process have it. */
  release(): Promise<void>
}

/**
 * Claims the folder of one role, new or from an earlier run; one process at a time has it.
 *
 * @throws InputError DATA_NOT_A_FOLDER, DATA_NOT_WRITABLE, DATA_IN_USE, DATA_HOLDS_NETWORK
 */
export async function prepareRoleFolder(path: string): Promise<RoleFolder> {
  const { folder } = await makeFolder(path)
  if ((await readdir(folder)).includes(MARKER)) throw await taken(folder)
  const lock = join(folder, 'process.json')
  const text = await readFile(lock, 'utf8').catch(() => '')
  const pid = pidIn(text)
  if (pid > 0 && isRunning(pid)) throw inUse(folder, pid)
  // Left behind by a process that was killed.
  await rm(lock, { force: true })
  await writeMarker(folder, lock, (holder) => inUse(folder, holder))
  return { path: folder, release: () => rm(lock, { force: true }) }
}

/**
 * `mkdir -p` that says which folder it had to make first. Node's own never returns where a parent exists and
 * nothing can be created in it (`/proc`).
 */
async function makeParents(folder: string): Promise<string | null> {
  try {
    await mkdir(folder, { mode: 0o700 })
    return folder
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return null
    const parent = dirname(folder)
    if (code !== 'ENOENT' || parent === folder) throw error
    const created = await makeParents(parent)
    if (created === null) throw error
    await mkdir(folder, { mode: 0o700 })
    return created
  }
}

/** Creating the marker exclusively is what keeps two networks out of one folder. */
async function claim(folder: string): Promise<void> {
  const others = await readdir(folder).catch((error: unknown) => {
    throw notWritable(folder, (error as Error).message)
  })
  if (others.includes(MARKER)) throw await taken(folder)
  if (others.length > 0) {
    throw new InputError(
      'DATA_NOT_EMPTY',
      `${folder} holds other files, ${JSON.stringify(others[0])} among them; give --data a new or empty folder`
    )
  }
  await writeMarker(folder, join(folder, MARKER), () => taken(folder))
}

/** Creates the file that says whose the folder is; `others` explains that somebody else was first. */
async function writeMarker(
  folder: string,
  path: string,
  others: (pid: number) => InputError | Promise<InputError>
): Promise<void> {
  try {
    const marker = await open(path, 'wx', 0o600)
    try {
      await marker.writeFile(JSON.stringify({ version: 1, pid: process.pid }) + '\n')
      await marker.sync()
    } finally {
      await marker.close()
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw await others(pidIn(await readFile(path, 'utf8').catch(() => '')))
    await rm(path, { force: true }).catch(() => {})
    throw code === 'ENOSPC' ? diskFull(folder) : notWritable(folder, message)
  }
}

function pidIn(marker: string): number {
  return Number(/"pid":(\d+)/.exec(marker)?.[1] ?? 0)
}

function inUse(folder: string, pid: number): InputError {
  return new InputError(
    'DATA_IN_USE',
    `${folder} is in use by process ${pid}; stop it or choose another --data`
  )
}

async function taken(folder: string): Promise<InputError> {
  const pid = pidIn(await readFile(join(folder, MARKER), 'utf8').catch(() => ''))
  if (pid > 0 && isRunning(pid)) return inUse(folder, pid)
  return new InputError(
    'DATA_HOLDS_NETWORK',
    `${folder} holds an earlier network; choose another --data, or remove the folder if it is not wanted any more`
  )
}

async function checkSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const freeBytes = bavail * bsize
  if (freeBytes < neededBytes) {
    const [needed, free] = [neededBytes, freeBytes].map((bytes) => `${Math.ceil(bytes / 1e6)} MB`)
    throw new InputError(
      'DISK_FULL',
      `${folder} has ${free} free and about ${needed} are needed; free some space or choose another --data`
    )
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function notWritable(folder: string, why: string): InputError {
  return new InputError('DATA_NOT_WRITABLE', `${folder} cannot be written: ${why}; choose another --data`)
}

/** The one line for a disk that ran full, whoever noticed it. */
export function diskFull(folder: string): InputError {
  return new InputError(
    'DISK_FULL',
    `The disk that holds ${folder} is full; free some space or choose another --data`
  )
}

/** Whether an error, or one that caused it, is a full disk as the kernel, SQLite or RocksDB says it. */
export function isDiskFull(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as NodeJS.ErrnoException).code
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL') return true
    if (/no space left on device|disk quota exceeded/i.test(at.message)) return true
  }
  return false
}
