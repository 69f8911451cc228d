import * as idEncoding from 'hypercore-id-encoding'
import { BLOCKS_MAX } from '../bounds.js'
import { InputError } from '../errors.js'

/** A key that somebody named, and the length that goes with it if one was named too. */
export interface NamedKey {
  key: Buffer
  length: number | null
}

/** Fork and length as `pear://` has them, key, length, and what comes after it. */
const FORM = /^(?:\d+\.(\d+)\.)?([a-z0-9]{52}|[a-fA-F0-9]{64})(?:\+(\d{1,15}))?(?:[/?#].*)?$/
const SCHEME = /^([a-z]+):\/\//i
const SCHEMES = ['hyper', 'pear', 'hypercore']

/**
 * Reads a key in every form that people paste: z-base-32 or hex, bare or as an address of hyper:// or pear://, with a slash, a
 * path or `+LENGTH` behind it. Null if it is none.
 *
 * @throws InputError KEY_DAT for an address of dat://, KEY_ADDRESS for one of ours without a key
 */
export function parseKey(text: string): NamedKey | null {
  const address = text.trim()
  const scheme = SCHEME.exec(address)?.[1]?.toLowerCase()
  if (scheme === 'dat') {
    throw new InputError(
      'KEY_DAT',
      `${text} is an address of Dat: what was made before hypercore 10 cannot be reached by today's hypercores`
    )
  }
  if (scheme === undefined) return bareKey(address)
  if (!SCHEMES.includes(scheme)) return null
  const named = bareKey(address.slice(scheme.length + '://'.length))
  if (named) return named
  throw new InputError(
    'KEY_ADDRESS',
    `${text} names no key: an address has its 52 letters of z-base-32, or 64 of hex`
  )
}

function bareKey(text: string): NamedKey | null {
  const [, pearLength, key, length] = FORM.exec(text) ?? []
  if (key === undefined || !idEncoding.isValid(key)) return null
  const named = length ?? pearLength
  // Longer than any hypercore: no address that somebody has copied.
  if (named !== undefined && Number(named) > BLOCKS_MAX) return null
  return { key: idEncoding.decode(key), length: named === undefined ? null : Number(named) }
}
