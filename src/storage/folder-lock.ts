import { constants } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { tryLock } from 'fs-native-extensions'
import type { Clock } from '../clock.js'
import { InputError } from '../errors.js'
import { Resource } from '../lifecycle.js'

/** Who has a folder, for people to read; it is the kernel that keeps others out. */
export interface Holder {
  pid: number
  /** Such as `pinner`. */
  role: string
  /** When it was opened, as an ISO date. */
  since: string
}

export interface FolderLockOptions {
  /** The file that is locked; made if it is missing, and left where it is. */
  path: string
  /** What its owner is, such as `pinner`. */
  role: string
  clock: Clock
  /** Made where somebody else has the folder; null if that one has not said who it is. */
  inUse: (holder: Holder | null) => Error
}

/** Bytes of the file that are read to see who has it. */
const NOTE_BYTES = 1024
/** How often a file that its owner has just removed is made again. */
const TRIES = 10
/** What systems call a file system without locks. */
const NO_LOCKS = new Set(['ENOLCK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'])

/**
 * A folder that one owner at a time has. The kernel holds the lock for as long as the file is open, so that it ends with
 * the process, however that ended; and it belongs to the open file, so that two owners in one process keep each other out.
 */
export class FolderLock extends Resource {
  readonly #options: FolderLockOptions
  #known = false

  constructor(options: FolderLockOptions) {
    super()
    this.#options = options
  }

  /** Whether the folder had an owner before. */
  get known(): boolean {
    return this.#known
  }

  /** @throws what `inUse` makes; InputError FOLDER_NO_LOCKS; the system's error if the file cannot be opened or written */
  protected async start(): Promise<void> {
    const { path, role, clock, inUse } = this.#options
    for (let left = TRIES; left > 0; left--) {
      const file = this.own('lock', await open(path, constants.O_RDWR | constants.O_CREAT, 0o600))
      if (!lock(file, path)) throw inUse(await readHolder(file))
      if (await isStill(file, path)) {
        this.#known = (await file.stat()).size > 0
        const holder: Holder = { pid: process.pid, role, since: new Date(clock.wall()).toISOString() }
        const note = Buffer.from(JSON.stringify(holder) + '\n')
        await file.truncate(0)
        await file.write(note, 0, note.byteLength, 0)
        return
      }
      await this.release(file)
    }
    throw inUse(null)
  }
}

function lock(file: FileHandle, path: string): boolean {
  try {
    return tryLock(file.fd)
  } catch (error) {
    if (!NO_LOCKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    throw new InputError(
      'FOLDER_NO_LOCKS',
      `${dirname(path)} is on a file system without locks, where nothing keeps two processes out of one folder; ` +
        'choose a folder on a local disk',
      { cause: error }
    )
  }
}

/** Whether the file is still the one of that name: its last owner may have removed it before it let go. */
async function isStill(file: FileHandle, path: string): Promise<boolean> {
  const [own, there] = await Promise.all([file.stat(), stat(path).catch(() => null)])
  return there !== null && there.ino === own.ino && there.dev === own.dev
}

/** What the owner has written; it may just be writing it. */
async function readHolder(file: FileHandle): Promise<Holder | null> {
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(NOTE_BYTES), 0, NOTE_BYTES, 0)
    const { pid, role, since } = JSON.parse(buffer.toString('utf8', 0, bytesRead)) as Partial<Holder>
    if (!Number.isSafeInteger(pid) || typeof role !== 'string' || typeof since !== 'string') return null
    return { pid: pid as number, role, since }
  } catch {
    return null
  }
}

/** The holder in words: `the pinner of process 4711, since 2026-01-31T12:00:00.000Z`. */
export function describeHolder(holder: Holder | null): string {
  return holder ? `the ${holder.role} of process ${holder.pid}, since ${holder.since}` : 'another process'
}
