import type { Engine, StreamProgress } from '../../engine/engine.js'
import type { CodecName } from '../../chunk/header.js'
import type { Meter, Use } from '../meter.js'
import type { StageUse } from '../port.js'

const EMPTY = new Uint8Array(0)

/** Has an engine start its threads, so that the meter knows which they are. */
export function startWorkers(engine: Pick<Engine, 'decodeChunks'>, meter: Meter): Promise<void> {
  const segment = { codec: 'wrap', id: EMPTY, publicKey: EMPTY, salt: EMPTY } as const
  return meter.starting(() => engine.decodeChunks(segment, []))
}

/** Names of what workers do with chunks. */
const WORKER_STAGES = {
  fillMs: () => 'copy',
  headerMs: (codec: CodecName, job: Job) =>
    codec === 'wrap' ? (job === 'encode' ? 'key wrap' : 'verify') : job === 'encode' ? 'header' : 'verify',
  cipherMs: (codec: CodecName) => (codec === 'wrap' ? 'cipher' : 'mask and RSA'),
  hashMs: () => 'hash',
  originalMs: () => 'original hash'
} as const

type Job = 'encode' | 'decode'

/**
 * CPU time of the stages of a stream. Workers time their stages by the clock, which goes on while a thread waits for its core;
 * the stages share what the threads have had of the CPU.
 */
export function streamStages(
  use: Use,
  progress: StreamProgress | undefined,
  { codec, job, tree, main, other }: { codec: CodecName; job: Job; tree: number; main: string; other: string }
): StageUse[] {
  const stages: StageUse[] = []
  const timed = Object.entries(WORKER_STAGES).map(([key, name]) => ({
    stage: name(codec, job),
    ms: progress?.[key as keyof typeof WORKER_STAGES] ?? 0
  }))
  const sum = timed.reduce((total, { ms }) => total + ms, 0)
  const had = use.threads.workers > 0 ? use.threads.workers : sum
  const share = sum > had ? had / sum : 1
  for (const { stage, ms } of timed) stages.push({ stage, cpuMs: ms * share, thread: 'workers' })
  stages.push({ stage: 'hand tasks over', cpuMs: Math.max(0, had - sum * share), thread: 'workers' })
  const treeMs = Math.min(tree, use.threads.main)
  stages.push({ stage: 'tree', cpuMs: treeMs, thread: 'main' })
  stages.push({ stage: main, cpuMs: use.threads.main - treeMs, thread: 'main' })
  stages.push({ stage: other, cpuMs: use.threads.other, thread: 'other' })
  return stages.filter(({ cpuMs }) => cpuMs > 0)
}
