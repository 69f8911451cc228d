import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { diskFreeBytes } from '../disk-space.js'
import type { Clock } from '../clock.js'
import { DatdotError, InputError } from '../errors.js'
import { fileTrouble } from '../file-failure.js'
import { Resource } from '../lifecycle.js'
import { FolderLock, describeHolder, type Holder } from '../storage/folder-lock.js'
import { makeTemporaryFolder } from '../temporary-folder.js'
import { dropDeviceFiles, isCopied, loadInstance } from './instance.js'

/** Made first in the data folder of a network, and locked as long as it runs. It stays: the folder holds a network then. */
const NETWORK_LOCK = 'network.json'
/** Locked in the folder of one role as long as that runs. */
const ROLE_LOCK = 'role.json'
/** Again where a file came up while its folder was emptied. */
const REMOVE = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 } as const

export interface DataFolderOptions {
  /** Must be new or empty, unless a network in it goes on; a fresh temporary folder if undefined. */
  path: string | undefined
  /** Whether it holds a network that goes on. */
  resumed?: boolean
  /** What the network will write at most, roughly; checked against the free space. */
  neededBytes: number
  clock: Clock
}

/** The folder of one local network while it runs: a subfolder for each role, the chain's among them. */
export class DataFolder extends Resource {
  readonly #options: DataFolderOptions
  #path = ''
  /** The topmost folder that was made for it. */
  #created: string | null = null

  constructor(options: DataFolderOptions) {
    super()
    this.#options = options
  }

  /** Where it is, once it is open. */
  get path(): string {
    return this.#path
  }

  /** The folder of a role, such as `pinner-1`. */
  of(role: string): string {
    return join(this.#path, role)
  }

  /**
   * Makes the folder, and claims it for a new network.
   *
   * @throws InputError DATA_NOT_A_FOLDER, DATA_NOT_WRITABLE, DATA_IN_USE, DATA_HOLDS_NETWORK, DATA_NOT_EMPTY, DISK_FULL,
   *   FOLDER_NO_LOCKS, TMPDIR_UNUSABLE
   */
  protected async start(): Promise<void> {
    const { path, resumed = false, neededBytes, clock } = this.#options
    const { folder, created } = await makeFolder(path)
    this.#path = folder
    this.#created = created
    const names = await list(folder)
    const isFirst = !names.includes(NETWORK_LOCK)
    if (isFirst && names.length > 0) throw notEmpty(folder, names)
    const claim = join(folder, NETWORK_LOCK)
    const lock = lockOf(folder, claim, { role: 'network', clock })
    try {
      await this.acquire('lock', lock)
    } catch (error) {
      // What another one has, or had before, is not ours to remove.
      if (isFirst && !(error instanceof DatdotError && error.code === 'DATA_IN_USE'))
        await rm(created ?? claim, REMOVE)
      throw folderError(folder, error)
    }
    if (!resumed && (lock.known || (await list(folder)).length > 1)) throw holdsNetwork(folder)
    try {
      await checkSpace(folder, neededBytes)
    } catch (error) {
      if (!resumed) await this.#remove()
      throw folderError(folder, error)
    }
  }

  /** Removes all that this network wrote, and the folder itself if it was made for it; nobody else has it before that. */
  async discard(): Promise<void> {
    try {
      await this.#remove()
    } finally {
      await this.close()
    }
  }

  async #remove(): Promise<void> {
    if (this.#created !== null) return rm(this.#created, REMOVE)
    for (const name of await readdir(this.#path)) await rm(join(this.#path, name), REMOVE)
  }
}

export interface RoleFolderOptions {
  path: string
  /** Such as `pinner`. */
  role: string
  clock: Clock
  randomBytes: (length: number) => Uint8Array
  /** Whether it may have been copied; not if two copies that both go on would contradict each other. Default: true. */
  mayBeCopied?: boolean
}

/** A role's own folder while it runs, new or from an earlier run. */
export class RoleFolder extends Resource {
  readonly #options: RoleFolderOptions
  #path = ''
  #instance!: Buffer

  constructor(options: RoleFolderOptions) {
    super()
    this.#options = options
  }

  /** Where it is, once it is open. */
  get path(): string {
    return this.#path
  }

  /** Tells this folder from copies of it, once it is open. */
  get instance(): Buffer {
    return this.#instance
  }

  /**
   * @throws InputError DATA_NOT_A_FOLDER, DATA_NOT_WRITABLE, DATA_IN_USE, DATA_HOLDS_NETWORK, DATA_COPIED, DISK_FULL,
   *   FOLDER_NO_LOCKS
   */
  protected async start(): Promise<void> {
    const { path, role, clock, randomBytes, mayBeCopied = true } = this.#options
    const { folder } = await makeFolder(path)
    if ((await list(folder)).includes(NETWORK_LOCK)) throw await taken(folder, clock)
    try {
      await this.acquire('lock', lockOf(folder, join(folder, ROLE_LOCK), { role, clock }))
      if (await isCopied(folder)) {
        if (!mayBeCopied) throw copied(folder)
        await dropDeviceFiles(folder)
      }
      // After that: a crash in between finds a copied folder again.
      this.#instance = await loadInstance(folder, randomBytes)
    } catch (error) {
      throw folderError(folder, error)
    }
    this.#path = folder
  }
}

/** What keeps the programs of a folder out of it while somebody else works there, not locked yet. */
export async function lockFolder(
  folder: string,
  owner: { role: string; clock: Clock }
): Promise<FolderLock[]> {
  const names = await list(folder)
  const locks = names.includes(NETWORK_LOCK) ? [NETWORK_LOCK] : [ROLE_LOCK]
  return locks.map((name) => lockOf(folder, join(folder, name), owner))
}

function lockOf(folder: string, path: string, owner: { role: string; clock: Clock }): FolderLock {
  return new FolderLock({ path, ...owner, inUse: (holder) => inUse(folder, holder) })
}

async function makeFolder(path: string | undefined): Promise<{ folder: string; created: string | null }> {
  if (path === undefined) {
    const folder = await makeTemporaryFolder('datdot-')
    return { folder, created: folder }
  }
  const folder = resolve(path)
  try {
    return { folder, created: await makeParents(folder) }
  } catch (error) {
    throw folderError(folder, error)
  }
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

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    throw folderError(folder, error)
  })
}

/** Whose a folder with a network is: somebody's who runs it, or an earlier run's. */
async function taken(folder: string, clock: Clock): Promise<Error> {
  const lock = lockOf(folder, join(folder, NETWORK_LOCK), { role: 'network', clock })
  try {
    await lock.ready()
    return holdsNetwork(folder)
  } catch (error) {
    return error as Error
  } finally {
    await lock.close()
  }
}

function notEmpty(folder: string, names: readonly string[]): InputError {
  return new InputError(
    'DATA_NOT_EMPTY',
    `${folder} holds other files, ${JSON.stringify(names[0])} among them; give --data a new or empty folder`
  )
}

function holdsNetwork(folder: string): InputError {
  return new InputError(
    'DATA_HOLDS_NETWORK',
    `${folder} holds an earlier network; leave PATH out to have it go on if it came to its end, choose another --data, or remove the folder`
  )
}

function copied(folder: string): InputError {
  return new InputError(
    'DATA_COPIED',
    `${folder} was copied or moved from where it was written: two chains of one key would contradict each other; move it back`
  )
}

function inUse(folder: string, holder: Holder | null): InputError {
  return new InputError(
    'DATA_IN_USE',
    `${folder} is in use by ${describeHolder(holder)}; stop it or choose another --data`
  )
}

/** What the system says of a folder, as an error of ours. */
export function folderError(folder: string, error: unknown): unknown {
  if (error instanceof DatdotError) return error
  const { message } = error as Error
  const options = { cause: error }
  switch (fileTrouble(error)) {
    case 'full':
      return folderFull(folder, options)
    case 'not-a-file':
      return new InputError(
        'DATA_NOT_A_FOLDER',
        `${folder} is not a folder; give --data a new or empty folder`,
        options
      )
    case 'denied':
    case 'missing':
      return new InputError(
        'DATA_NOT_WRITABLE',
        `${folder} cannot be written: ${message}; choose another --data`,
        options
      )
    default:
      return new InputError('DATA_FAILED', `${folder} cannot be used, the system says: ${message}`, options)
  }
}

async function checkSpace(folder: string, neededBytes: number): Promise<void> {
  const freeBytes = await diskFreeBytes(folder)
  if (freeBytes < neededBytes) {
    const [needed, free] = [neededBytes, freeBytes].map((bytes) => `${Math.ceil(bytes / 1e6)} MB`)
    throw new InputError(
      'DISK_FULL',
      `${folder} has ${free} free and about ${needed} are needed; free some space or choose another --data`
    )
  }
}

/** The one line for a disk that ran full, whoever noticed it. */
export function folderFull(folder: string, options?: ErrorOptions): InputError {
  return new InputError(
    'DISK_FULL',
    `The disk that holds ${folder} is full; free some space or choose another --data`,
    options
  )
}

/** An error that came from another process, or of a quota, has no cause but ours. */
const FULL: ReadonlySet<string> = new Set([
  'STORAGE_DISK_FULL',
  'DISK_FULL',
  'ENOSPC',
  'EDQUOT',
  'SQLITE_FULL'
])

/** Whether an error, or one that caused it, is a full disk as we, the kernel, SQLite or RocksDB say it. */
export function isDiskFull(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as NodeJS.ErrnoException).code
    if (code !== undefined && FULL.has(code)) return true
    if (/no space left on device|disk quota exceeded/i.test(at.message)) return true
  }
  return false
}
