import { createRequire } from 'node:module'
import { InputError } from '../errors.js'
import { openSqlite } from '../sqlite.js'

const require = createRequire(import.meta.url)

/** Codes of a native part that is missing, or was built for another version of Node. */
const NATIVE_CODES = new Set(['ERR_DLOPEN_FAILED', 'CANNOT_LOAD', 'ADDON_NOT_FOUND'])
/** What such parts say where they have no code of their own. */
const NATIVE_WORDS =
  /NODE_MODULE_VERSION|Could not locate the bindings file|No native build was found|native binding|Cannot find module '(better-sqlite3|@[^']*-(linux|darwin|win32)-)/

/**
 * The folder that relative paths start from.
 *
 * @throws InputError CWD_GONE
 */
export function workingFolder(): string {
  try {
    return process.cwd()
  } catch (error) {
    throw new InputError('CWD_GONE', 'the working folder does not exist any more; change to another one', {
      cause: error
    })
  }
}

/** Packages with a native part of their own, or that bring one. Commands import most of them anyway. */
const NATIVE = [
  'sodium-native',
  '@napi-rs/blake-hash',
  'fs-native-extensions',
  'hypercore-storage',
  'hyperdht'
]

/**
 * Loads all native parts: here, where a fault of one can be told, and not while modules import each other.
 *
 * @throws InputError NATIVE_NOT_LOADED
 */
export function checkNative(): void {
  try {
    for (const name of NATIVE) require(name)
    // Loads its part when a database is opened.
    openSqlite(':memory:').close()
  } catch (error) {
    throw nativeFailure(error) ?? error
  }
}

/** A native part that does not load as an error that says which and what to do; null for any other error. */
export function nativeFailure(error: unknown): InputError | null {
  const chain: Error[] = []
  for (let at = error; at instanceof Error && chain.length < 8; at = at.cause) chain.push(at)
  const isNative = chain.some(
    ({ code, message }: NodeJS.ErrnoException) => NATIVE_CODES.has(code ?? '') || NATIVE_WORDS.test(message)
  )
  if (!isNative) return null
  const last = chain.at(-1)!
  const part = partIn(chain.map(({ message }) => message)) ?? partIn(chain.map(({ stack = '' }) => stack))
  return new InputError(
    'NATIVE_NOT_LOADED',
    `the native part of ${part ?? 'a package'} does not load in Node ${process.version} ` +
      `(${last.message.split('\n')[0]}); run npm rebuild, or npm ci with this Node`,
    { cause: error }
  )
}

/** The package that the first path in these texts lies in. */
function partIn(texts: string[]): string | undefined {
  const name = /node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\'"\s:]+)/
  return texts
    .map((text) => name.exec(text)?.[1])
    .find((found) => found !== undefined && found !== 'bindings')
}
