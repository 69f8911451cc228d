import { createRequire } from 'node:module'
import { isMainThread } from 'node:worker_threads'

/** The addons of native/binding.gyp, one target each. */
export type AddonName = 'datdot_blake3' | 'datdot_rsa' | 'datdot_lend'

/** How much of native/ to use: all that the CPU can (unset), one path of the RSA core, or nothing of it. */
export type NativeLevel = 'off' | 'portable' | 'avx2' | 'ifma' | undefined

const LEVELS: readonly unknown[] = ['off', 'portable', 'avx2', 'ifma']

const require = createRequire(import.meta.url)
const REBUILD = 'Install a C compiler and the Node headers, then run `npm rebuild`.'
let warned = false

/** The level forced by `DATDOT_NATIVE`; anything but its four words counts as unset. */
export function nativeLevel(): NativeLevel {
  const level = process.env.DATDOT_NATIVE
  return LEVELS.includes(level) ? (level as NativeLevel) : undefined
}

/**
 * The exports of a compiled addon, or undefined where it is switched off or could not be built or loaded;
 * the caller then takes its TypeScript path. Only the first failure of a process is reported.
 *
 * @param functions that the addon must have: one that was built before these were written is not used
 */
export function loadAddon(name: AddonName, functions: readonly string[] = []): unknown {
  // Whether buffers are lent is for the main thread to say: a worker takes what it is given.
  const asked = name === 'datdot_lend' && !isMainThread
  if (nativeLevel() === 'off' && !asked) return undefined
  try {
    const addon = require(`../../../native/build/Release/${name}.node`) as Record<string, unknown>
    if (functions.every((name) => typeof addon[name] === 'function')) return addon
    warn(`the native core was built from older sources; continuing on the slow TypeScript path. ${REBUILD}`)
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0]
    warn(`the native core is missing (${reason}); continuing on the slow TypeScript path. ${REBUILD}`)
  }
  return undefined
}

function warn(message: string): void {
  if (warned || !isMainThread) return
  warned = true
  process.stderr.write(`datdot: ${message}\n`)
}
