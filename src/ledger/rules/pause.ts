import type { Parameters } from '../../protocol/parameters.js'

/** How long pauses are counted together, and how far ahead one may be announced. */
const MONTH_MS = 2_592_000_000

/** Whole epochs in which a pinner is away as it said before. */
export interface Pause {
  epoch: number
  epochs: number
}

type Rules = Pick<Parameters, 'epochMs' | 'pauseMs'>

/** The epochs that a pause may begin with which is announced at this chain time: a whole epoch lies between, and no more than a month. */
export function pauseRange(
  clock: number,
  { epochMs }: Pick<Rules, 'epochMs'>
): { first: number; last: number } {
  return { first: Math.ceil(clock / epochMs) + 1, last: Math.floor((clock + MONTH_MS) / epochMs) }
}

/** Most epochs of a pause that begins so, with those before it: `pauseMs` in any month. */
export function pauseEpochsLeft(
  { epoch, epochs }: Pause,
  before: readonly Pause[],
  { epochMs, pauseMs }: Rules
): number {
  const month = Math.floor(MONTH_MS / epochMs)
  const used = pausedEpochs(before, epoch + epochs - month, epoch)
  return Math.max(0, Math.floor(pauseMs / epochMs) - used)
}

/** First epoch whose pauses still matter in one: for what may be paused, or for what is paid. */
export function pausesFrom(epoch: number, p: Pick<Parameters, 'epochMs' | 'rewardEpochsMax'>): number {
  return epoch - Math.max(Math.floor(MONTH_MS / p.epochMs), p.rewardEpochsMax)
}

/** Whether an epoch belongs to a pause. */
export function isPausedIn(pause: Pause | null, epoch: number): boolean {
  return pause !== null && pause.epoch <= epoch && epoch < pause.epoch + pause.epochs
}

/** … or is the one before it, in which nothing new is begun. */
export function isPauseNear(pause: Pause | null, epoch: number): boolean {
  return pause !== null && pause.epoch - 1 <= epoch && epoch < pause.epoch + pause.epochs
}

/** Epochs in `[from, until)` that belong to pauses, which do not overlap. */
export function pausedEpochs(pauses: readonly Pause[], from: number, until: number): number {
  return overlap(pauses, from, until, 1)
}

/** Ms of chain time in `[from, until)` that belong to pauses. */
export function pausedMs(
  pauses: readonly Pause[],
  { from, until }: { from: number; until: number },
  { epochMs }: Pick<Rules, 'epochMs'>
): number {
  return overlap(pauses, from, until, epochMs)
}

function overlap(pauses: readonly Pause[], from: number, until: number, unit: number): number {
  let sum = 0
  for (const { epoch, epochs } of pauses) {
    const begin = Math.max(from, epoch * unit)
    const end = Math.min(until, (epoch + epochs) * unit)
    sum += Math.max(0, end - begin)
  }
  return sum
}
