import type { Clock } from '../clock.js'
import type { CodecName } from '../chunk/header.js'
import type { OriginalTree } from '../storage/types.js'
import type { Use } from './meter.js'

/** How an end, in a process of its own, talks with who started it. */
export interface Port {
  readonly clock: Clock
  /** Tells of something. */
  say(event: string, value: unknown): void
  /** Waits for an order. */
  order(name: string): Promise<void>
}

/** Time that a stage took of the threads that did it. */
export interface StageUse {
  stage: string
  cpuMs: number
  thread: 'main' | 'workers' | 'other'
}

/** Time that the main loop of an end waited, and for whom. */
export interface Wait {
  what: string
  ms: number
}

/** What an end used, stage by stage. */
export interface EndUse extends Use {
  stages: StageUse[]
  waits: Wait[]
}

/** Where ends find each other; plain values, as all that goes to a process. */
export interface EndNetwork {
  bootstrap: { host: string; port: number }[]
  host?: string | undefined
}

/** An original as it goes to another process: bytes in hexadecimal digits. */
export interface OriginalJson {
  key: string
  /** In hypercore's encoding. */
  manifest: string
  fork: number
  length: number
  byteLength: number
  treeHash: string
  signature: string | null
}

/** What both ends of a hand-over must agree on. */
export interface Drawn {
  codec: CodecName
  original: OriginalJson
  /** Public keys. */
  signer: string
  pinner: string
}

/** What each end is told. `seed`: 64 hexadecimal digits that its identity is made from. */
export interface EndOptions {
  seeder: { network: EndNetwork; seed: string; dir: string; name: string }
  reader: { network: EndNetwork; seed: string; dir: string; key: string; blocks: number }
  'raw-source': { network: EndNetwork; seed: string; chunkBytes: number; durationMs: number }
  'raw-sink': { network: EndNetwork; key: string }
  signer: {
    network: EndNetwork
    seed: string
    /** Of the author's store, and the hypercore's name in it. */
    author: string
    name: string
    /** For what it keeps meanwhile. */
    dir: string
    drawn: Drawn
    threads: number
  }
  pinner: { network: EndNetwork; seed: string; dir: string; drawn: Drawn; threads: number }
}

export type EndName = keyof EndOptions

/** The original without what only its JSON has. */
export type KnownOriginal = OriginalTree & { byteLength: number }
