import * as idEncoding from 'hypercore-id-encoding'
import { BYTES_MAX } from '../bounds.js'
import { parseKey, type NamedKey } from '../drive/key.js'

/** How one setting is written, wherever it stands: as a flag, in the environment, in a file. */
export interface Setting<T> {
  /** What follows the flag in a command's help. */
  shows: string
  /** What it takes, in words, for whoever wrote something else: `takes …`. */
  takes: string
  /** Undefined if the text is not what it takes. */
  parse(text: string): T | undefined
}

/** A whole number within bounds. */
export function wholeNumber(min: number, max: number): Setting<number> {
  return {
    shows: 'N',
    takes: `a whole number from ${min} to ${max}`,
    parse(text) {
      const value = Number(text)
      return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined
    }
  }
}

/** A size such as `64MiB`, `1GiB`, `500kB` or plain bytes. */
export function size(min: number): Setting<number> {
  return {
    shows: 'SIZE',
    takes: `a size${min > 0 ? ` of at least ${min} bytes` : ''}, such as 64MiB`,
    parse(text) {
      const match = /^(\d+(?:\.\d+)?)\s*([kmgt]i?b?|b)?$/i.exec(text)
      const unit = match?.[2]?.toLowerCase() ?? 'b'
      const power = 'bkmgt'.indexOf(unit.charAt(0))
      const bytes = match ? Math.floor(Number(match[1]) * (unit.includes('i') ? 1024 : 1000) ** power) : NaN
      return bytes >= min && bytes <= BYTES_MAX ? bytes : undefined
    }
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time such as `90d`, `12h` or `30m`, in milliseconds. */
export const duration: Setting<number> = {
  shows: 'TIME',
  takes: 'a time such as 90d, 12h or 30m',
  parse(text) {
    const match = /^(\d{1,9}(?:\.\d{1,3})?)([smhd])$/.exec(text)
    const ms = match ? Math.round(Number(match[1]) * UNIT_MS[match[2]!]!) : NaN
    return Number.isSafeInteger(ms) && ms > 0 ? ms : undefined
  }
}

/** An address of a node. */
export interface Address {
  host: string
  port: number
}

function addressOf(text: string): Address | undefined {
  const match = /^\[?([^\s[\]]+?)\]?:(\d{1,5})$/.exec(text.trim())
  const port = Number(match?.[2])
  return match?.[1] && port >= 1 && port <= 65535 ? { host: match[1], port } : undefined
}

/** `HOST:PORT`. */
export const address: Setting<Address> = { shows: 'HOST:PORT', takes: 'HOST:PORT', parse: addressOf }

/** `HOST:PORT[,HOST:PORT…]`. */
export const addresses: Setting<Address[]> = {
  shows: 'HOST:PORT[,HOST:PORT]',
  takes: 'HOST:PORT[,HOST:PORT]',
  parse(text) {
    const all = text.split(',').map(addressOf)
    return all.includes(undefined) ? undefined : (all as Address[])
  }
}

/** An address that messages are sent to. */
export const webAddress: Setting<string> = {
  shows: 'URL',
  takes: 'an address that begins with http:// or https://',
  parse(text) {
    if (!/^https?:\/\//.test(text) || text.length > 2048) return undefined
    return URL.canParse(text) ? text : undefined
  }
}

/** A public key in any of its forms. */
export const publicKey: Setting<Buffer> = {
  shows: 'KEY',
  takes: 'a public key in z-base-32 or hex',
  parse: (text) => (idEncoding.isValid(text) ? idEncoding.decode(text) : undefined)
}

/** The key of a hypercore or drive in every form that people paste. A length or path behind it changes nothing: what is kept and read is all of it. */
export const hypercoreKey: Setting<Buffer> = {
  shows: 'KEY',
  takes: 'the key of a hypercore or drive in z-base-32 or hex, or its address',
  parse: (text) => parseKey(text)?.key
}

/** The same, with the length that goes with it if one was given. */
export const namedKey: Setting<NamedKey> = {
  shows: 'KEY',
  takes: hypercoreKey.takes,
  parse: (text) => parseKey(text) ?? undefined
}

/** Keys of hypercores or drives, with commas between them. */
export const hypercoreKeys: Setting<Buffer[]> = {
  shows: 'KEY[,KEY]',
  takes: 'keys of hypercores or drives, with commas between',
  parse(text) {
    const all = text.split(',').map((one) => parseKey(one.trim())?.key)
    return all.includes(undefined) ? undefined : (all as Buffer[])
  }
}

/** An amount in datdots, with up to six digits behind the point; in grains. */
export const datdots: Setting<bigint> = {
  shows: 'N',
  takes: 'an amount of datdots, such as 200 or 0.5',
  parse(text) {
    const match = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text)
    return match ? BigInt(match[1]! + (match[2] ?? '').padEnd(6, '0')) : undefined
  }
}

/** Yes or no. */
export const yesNo: Setting<boolean> = {
  shows: 'yes|no',
  takes: 'yes or no',
  parse: (text) => ({ yes: true, true: true, no: false, false: false })[text]
}

/** Any text of at least one letter. */
export function anyText(shows: string): Setting<string> {
  return { shows, takes: 'a text', parse: (text) => (text === '' ? undefined : text) }
}

/** One of some words. */
export function word<W extends string>(words: readonly W[]): Setting<W> {
  return {
    shows: words.join('|'),
    takes: words.join(' or '),
    parse: (text) => words.find((known) => known === text)
  }
}

/** Some of some words, with commas between them. */
export function words<W extends string>(all: readonly W[]): Setting<W[]> {
  return {
    shows: all.join(','),
    takes: `some of ${all.join(', ')}, with commas between`,
    parse(text) {
      const given = text.split(',').map((one) => all.find((known) => known === one.trim()))
      return given.includes(undefined) ? undefined : (given as W[])
    }
  }
}
