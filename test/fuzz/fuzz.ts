import { readFileSync } from 'node:fs'
import { DatdotError } from '../../src/errors.js'
import { drawFrom, type Draw } from '../helpers/layouts.js'
import type { Target } from './targets.js'

/** Longest that reading one input may take; far less is usual. */
const INPUT_MS = 1_000

/** An input with which a target did something else than take it or refuse it with a code. */
export interface Finding {
  target: string
  input: string
  why: string
}

/** Inputs that once were findings, or that nobody may take for harmless again: by target, in hexadecimal digits. */
const corpusFile = new URL('../../../test/fuzz/corpus.json', import.meta.url)
const corpus = JSON.parse(readFileSync(corpusFile, 'utf8')) as Record<string, string[]>

/** Has a target read all of its corpus and so many inputs more. Returns the first finding. */
export function fuzz(
  { name, make, read }: Target,
  { inputs, seed, now }: { inputs: number; seed: number; now?: () => number }
): Finding | null {
  const draw = drawFrom(seed)
  const finding = (input: Uint8Array, why: string): Finding => ({
    target: name,
    input: Buffer.from(input).toString('hex'),
    why
  })
  const tried = (input: Uint8Array): Finding | null => {
    const began = now?.() ?? 0
    try {
      read(input)
    } catch (error) {
      if (!(error instanceof DatdotError)) return finding(input, String((error as Error)?.stack ?? error))
    }
    const tookMs = (now?.() ?? 0) - began
    return tookMs > INPUT_MS ? finding(input, `it took ${Math.round(tookMs)} ms`) : null
  }
  for (const kept of corpus[name] ?? []) {
    const found = tried(Buffer.from(kept, 'hex'))
    if (found) return found
  }
  for (let n = 0; n < inputs; n++) {
    const found = tried(mutated(make(draw), draw))
    if (found) return found
  }
  return null
}

/** Numbers that decoders stumble over, as they are on the wire. */
const edges = [
  [0],
  [0xfc],
  [0xfd, 0, 0],
  [0xfd, 0xff, 0xff],
  [0xfe, 0xff, 0xff, 0xff, 0xff],
  [0xff, 0, 0, 0, 0, 0, 0, 0, 2],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0],
  Array<number>(9).fill(0xff)
]

/** The input as it is one time in four, else with up to four changes. */
function mutated(input: Uint8Array, draw: Draw): Uint8Array {
  let bytes = Buffer.from(input)
  for (let changes = draw(4) === 0 ? 0 : 1 + draw(4); changes > 0; changes--) {
    const at = draw(bytes.length + 1)
    const edge = Buffer.from(edges[draw(edges.length)]!)
    const change = draw(7)
    if (change === 0) bytes = bytes.subarray(0, at)
    else if (change === 1) bytes = Buffer.concat([bytes.subarray(0, at), edge, bytes.subarray(at)])
    else if (change === 2)
      bytes = Buffer.concat([bytes.subarray(0, at), edge, bytes.subarray(at + edge.length)])
    else if (change === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + draw(16))])
    else if (change === 4) bytes = Buffer.concat([bytes, bytes.subarray(at, at + draw(64))])
    else if (at < bytes.length) bytes[at] = change === 5 ? bytes[at]! ^ (1 << draw(8)) : draw(256)
  }
  return bytes
}
