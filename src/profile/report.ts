import type { CodecName } from '../chunk/header.js'
import type { Machine } from './machine.js'
import type { Use } from './meter.js'
import type { EndUse } from './port.js'

/** Of the JSON: a number that rises when fields change their meaning. */
const PROFILE_VERSION = 1

/** Two ends that moved the same bytes, each in a process of its own. */
export interface Moved<A extends Use = Use, B extends Use = Use> {
  mbPerSecond: number
  from: A
  to: B
}

/** What a codec costs. */
export interface CodecFigures {
  codec: CodecName
  chunks: number
  bytes: number
  /** Key and proof of a `seal` segment, once a segment. */
  setupMs: number
  /** Signer to pinner. */
  handOver: Moved<EndUse, EndUse>
  /** Pinner to a stock reader. */
  serve: Moved<EndUse>
}

/** What was measured. */
export interface Measured {
  machine: Machine
  cores: number
  threads: number
  chunkBytes: number
  input: string
  /** `loopback`, or the other machine's. */
  link: string
  /** An encrypted stream over UDX with nothing in it but bytes: the network alone. */
  raw: Moved
  /** Stock seeder to stock reader. */
  replication: Moved
  codecs: CodecFigures[]
}

/** A way that bytes go. */
export type Way = 'replication' | `hand over ${CodecName}` | `serve ${CodecName}`

/** How fast a machine like this one is at one end of a way, were the link as fast as one likes. */
export interface Capacity {
  way: Way
  side: 'sender' | 'receiver'
  mbPerSecond: number
  /** What is used up first. */
  bound: 'main thread' | 'cores'
  /** Link speed above which this end is the limit. */
  breakEvenMbit: number
}

/** How fast a way is over a link, worked out from what its stages cost. */
export interface LinkFigure {
  way: Way
  mbit: number
  delayMs: number
  mbPerSecond: number
  limit: 'link' | 'window' | Capacity['bound']
  side: Capacity['side'] | null
  computed: true
}

/** What a codec costs beside the network. */
export interface CodecCost {
  codec: CodecName
  /** CPU of encoding, in ms a MB, all threads. */
  encodeMsPerMB: number
  /** CPU of opening and checking for readers, in ms a MB. */
  openMsPerMB: number
  /** CPU of one end of the raw stream, in ms a MB. */
  networkMsPerMB: number
  /** Encoding to network, in CPU time. */
  encryptionToNetwork: number
  /** All that all cores can encode, in MB/s. */
  encodeMbPerSecond: number
  /** Link speed above which encoding is the limit, all else that the signer does included. */
  breakEvenMbit: number
}

export interface ProfileReport extends Measured {
  version: number
  costs: CodecCost[]
  capacities: Capacity[]
  links: LinkFigure[]
  answer: string
}

export const LINKS: readonly { mbit: number; delayMs: number }[] = [10, 100, 1000].flatMap((mbit) =>
  [1, 40].map((delayMs) => ({ mbit, delayMs }))
)
/** Bytes that a signer has on their way at the most. */
const WINDOW_MB = 8.388608

/** Works out what follows from the figures. */
export function reportOf(measured: Measured): ProfileReport {
  const capacities = capacitiesOf(measured)
  const costs = measured.codecs.map((figures) => costOf(figures, measured, capacities))
  const links = waysOf(measured).flatMap((way) => LINKS.map((link) => overLink(way, link, capacities)))
  return {
    version: PROFILE_VERSION,
    ...measured,
    costs,
    capacities,
    links,
    answer: answerOf(costs, measured, capacities)
  }
}

export const perMB = (ms: number, use: Use): number => (use.bytes > 0 ? ms / (use.bytes / 1e6) : 0)

export function waysOf({ codecs }: Pick<Measured, 'codecs'>): Way[] {
  return [
    'replication',
    ...codecs.map(({ codec }): Way => `hand over ${codec}`),
    ...codecs.map(({ codec }): Way => `serve ${codec}`)
  ]
}

function capacitiesOf(measured: Measured): Capacity[] {
  const { replication, codecs, cores } = measured
  const both = (way: Way, { from, to }: Moved): Capacity[] => [
    capacityOf(way, 'sender', from, cores),
    capacityOf(way, 'receiver', to, cores)
  ]
  return [
    ...both('replication', replication),
    ...codecs.flatMap(({ codec, handOver }) => both(`hand over ${codec}`, handOver)),
    ...codecs.flatMap(({ codec, serve }) => both(`serve ${codec}`, serve))
  ]
}

/** One thread does the main loop's work; all else spreads over the cores. */
export function capacityOf(way: Way, side: Capacity['side'], use: Use, cores: number): Capacity {
  const byMain = 1000 / Math.max(perMB(use.threads.main, use), 1e-6)
  const byCores = (1000 * cores) / Math.max(perMB(use.cpuMs, use), 1e-6)
  const mbPerSecond = Math.min(byMain, byCores)
  return {
    way,
    side,
    mbPerSecond,
    bound: byMain < byCores ? 'main thread' : 'cores',
    breakEvenMbit: mbPerSecond * 8
  }
}

function costOf(
  { codec, handOver, serve }: CodecFigures,
  { raw, cores }: Measured,
  capacities: Capacity[]
): CodecCost {
  const encodeMsPerMB = perMB(handOver.from.threads.workers, handOver.from)
  const networkMsPerMB = perMB(raw.from.cpuMs, raw.from)
  const opening = serve.from.stages.find(({ stage }) => stage === 'decode')
  const signer = capacities.find(({ way, side }) => way === `hand over ${codec}` && side === 'sender')
  return {
    codec,
    encodeMsPerMB,
    openMsPerMB: perMB(opening?.cpuMs ?? 0, serve.from),
    networkMsPerMB,
    encryptionToNetwork: encodeMsPerMB / networkMsPerMB,
    encodeMbPerSecond: (1000 * cores) / encodeMsPerMB,
    breakEvenMbit: signer?.breakEvenMbit ?? 0
  }
}

/** The slowest of the link, both ends and the window; what UDX loses on a long way is not in it. */
export function overLink(
  way: Way,
  { mbit, delayMs }: { mbit: number; delayMs: number },
  capacities: readonly Capacity[]
): LinkFigure {
  const limits: { mbPerSecond: number; limit: LinkFigure['limit']; side: LinkFigure['side'] }[] = [
    { mbPerSecond: mbit / 8, limit: 'link', side: null },
    ...capacities
      .filter((capacity) => capacity.way === way)
      .map(({ mbPerSecond, bound, side }) => ({ mbPerSecond, limit: bound, side }))
  ]
  if (way.startsWith('hand over')) {
    limits.push({ mbPerSecond: WINDOW_MB / ((2 * delayMs) / 1000), limit: 'window', side: null })
  }
  const slowest = limits.reduce((least, other) => (other.mbPerSecond < least.mbPerSecond ? other : least))
  return { way, mbit, delayMs, ...slowest, computed: true }
}

/** Link speeds in words that people use. */
export function mbitName(mbit: number): string {
  return mbit >= 1000 ? `${(mbit / 1000).toFixed(1)} Gbit/s` : `${Math.round(mbit)} Mbit/s`
}

function answerOf(costs: readonly CodecCost[], { cores }: Measured, capacities: readonly Capacity[]): string {
  const least = (way: Way): Capacity | undefined =>
    capacities.filter((capacity) => capacity.way === way).sort((a, b) => a.breakEvenMbit - b.breakEvenMbit)[0]
  const stock = least('replication')
  const parts = costs.map(({ codec, breakEvenMbit }) => {
    const serving = capacities.find(({ way, side }) => way === `serve ${codec}` && side === 'sender')
    const free = stock && breakEvenMbit >= 0.9 * stock.breakEvenMbit
    const how = free
      ? `${codec} is free: encoding it keeps up with every link that replication itself keeps up with, up to ${mbitName(breakEvenMbit)}`
      : `${codec} makes the signer's cores the limit on links above ${mbitName(breakEvenMbit)}`
    return `${how}, and is served at up to ${mbitName(serving?.breakEvenMbit ?? 0)}`
  })
  const seal = costs.find(({ codec }) => codec === 'seal')
  const choice = seal
    ? `choose seal, which forces storage, unless signers must fill lines faster than ${mbitName(seal.breakEvenMbit)}`
    : 'measure seal too before choosing'
  const machine = `On this machine (${cores} ${cores === 1 ? 'core' : 'cores'})`
  return `${machine} ${parts.join('; ')}; ${choice}.`
}
