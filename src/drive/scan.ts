import { constants, type Dirent, type Stats } from 'node:fs'
import { access, lstat, readdir, readlink, realpath, stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { InputError } from '../errors.js'

/** A regular file to publish; `name` is its absolute name inside the drive. */
export interface SourceFile {
  kind: 'file'
  name: string
  path: string
  bytes: number
  executable: boolean
  /** SHA-256 of what was published of it, once it was: the folder may change after that. */
  digest?: Buffer
}

/** A symbolic link to publish as a link. */
export interface SourceLink {
  kind: 'link'
  name: string
  path: string
  target: string
}

export type SourceEntry = SourceFile | SourceLink

/** What a path holds, in the order of the names' UTF-8 bytes, so that the same folder gives the same drive. */
export interface Source {
  root: string
  entries: SourceEntry[]
  /** Regular files, empty ones included; links are not counted. */
  files: number
  /** Bytes of all regular files. */
  bytes: number
  /** What a drive has no word for (sockets, FIFOs, devices), left out. */
  skipped: { path: string; why: string }[]
}

export interface ScanOptions {
  /** Absolute folders that are not part of the source, such as the data folder. */
  exclude?: string[]
  /** Names of folders that are left out wherever they are. */
  excludeNames?: string[]
  /** Whether nothing at all is a source too. */
  mayBeEmpty?: boolean
}

/** A name may begin with U+FEFF, which is no mark of an encoding there. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Lists the files and links below `path` (a folder, a file, or a link to one) without following links inside.
 *
 * @throws InputError PATH_MISSING, PATH_UNREADABLE, PATH_NOT_A_FILE, PATH_EMPTY, PATH_NAME
 */
export async function scan(path: string, options: ScanOptions = {}): Promise<Source> {
  const root = await realpath(resolve(path)).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  const source: Source = { root, entries: [], files: 0, bytes: 0, skipped: [] }
  const excluded = new Set(
    await Promise.all((options.exclude ?? []).map((folder) => realpath(folder).catch(() => resolve(folder))))
  )
  const excludedNames = new Set(options.excludeNames ?? [])
  const stats = await stat(root).catch((error: unknown) => {
    throw unreadable(path, error)
  })

  if (stats.isDirectory()) {
    await scanFolder(root)
  } else if (stats.isFile()) {
    await addFile(root, '/' + driveName(Buffer.from(basename(root)), root), stats)
  } else {
    throw new InputError('PATH_NOT_A_FILE', `${path} is ${kindOf(stats)}; give a folder or a regular file`)
  }
  if (source.entries.length === 0 && options.mayBeEmpty !== true) {
    throw new InputError('PATH_EMPTY', `${path} has no file and no link; there is nothing to keep alive`)
  }
  source.entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  return source

  async function scanFolder(folder: string): Promise<void> {
    let children: Dirent<Buffer>[]
    try {
      children = await readdir(folder, { withFileTypes: true, encoding: 'buffer' })
    } catch (error) {
      throw unreadable(folder, error)
    }
    for (const child of children) {
      const childPath = join(folder, driveName(child.name, folder))
      if (excluded.has(childPath)) continue
      if (child.isDirectory() && excludedNames.has(child.name.toString())) continue
      await addChild(childPath)
    }
  }

  async function addChild(childPath: string): Promise<void> {
    const name = '/' + relative(root, childPath)
    const childStats = await lstat(childPath).catch((error: unknown) => {
      throw unreadable(childPath, error)
    })
    if (childStats.isDirectory()) await scanFolder(childPath)
    else if (childStats.isFile()) await addFile(childPath, name, childStats)
    else if (childStats.isSymbolicLink()) await addLink(childPath, name)
    else source.skipped.push({ path: childPath, why: `it is ${kindOf(childStats)}` })
  }

  async function addFile(filePath: string, name: string, fileStats: Stats): Promise<void> {
    try {
      await access(filePath, constants.R_OK)
    } catch (error) {
      throw unreadable(filePath, error)
    }
    const executable = (fileStats.mode & constants.S_IXUSR) !== 0
    source.entries.push({ kind: 'file', name, path: filePath, bytes: fileStats.size, executable })
    source.files++
    source.bytes += fileStats.size
  }

  async function addLink(linkPath: string, name: string): Promise<void> {
    const target = decode(await readlink(linkPath, { encoding: 'buffer' }))
    if (target === null) {
      throw new InputError(
        'PATH_NAME',
        `The target of the link ${linkPath} is not UTF-8; a drive cannot hold it`
      )
    }
    source.entries.push({ kind: 'link', name, path: linkPath, target })
  }
}

/** A file name as a drive can hold it: UTF-8, and no backslash, which drives turn into a slash. */
function driveName(bytes: Buffer, folder: string): string {
  const name = decode(bytes)
  if (name === null || name.includes('\\')) {
    const shown = JSON.stringify(bytes.toString('latin1'))
    const why = name === null ? 'is not valid UTF-8' : 'has a backslash'
    throw new InputError(
      'PATH_NAME',
      `The name ${shown} in ${folder} ${why}; a drive cannot hold it, rename it`
    )
  }
  return name
}

function decode(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}

function kindOf(stats: Stats): string {
  if (stats.isSocket()) return 'a socket'
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isBlockDevice() || stats.isCharacterDevice()) return 'a device'
  return 'neither a file nor a folder'
}

function unreadable(path: string, error: unknown): InputError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new InputError('PATH_MISSING', `${path} does not exist; give a folder, a file or a hypercore key`)
  }
  const why = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : message
  return new InputError('PATH_UNREADABLE', `${path} cannot be read: ${why}`, { cause: error })
}
