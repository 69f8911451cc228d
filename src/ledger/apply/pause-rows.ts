import { isPausedIn, pausedMs, type Pause } from '../rules/pause.js'
import type { Role, State } from '../state.js'

/** Who has left begins anew. */
export function forgetPauses(state: State, role: Role): void {
  state.db.run('DELETE FROM pauses WHERE pinner = ?', role.id)
  role.pause = null
  role.pauseDue = null
}

/** Whether a pinner has paused in this epoch. */
export function hasPaused(state: State, role: Role, epoch: number): boolean {
  return pausesSince(state, role, epoch).some((pause) => isPausedIn(pause, epoch))
}

/** Pauses of a pinner that were not over when an epoch began. */
export function pausesSince(state: State, { id, pause }: Role, epoch: number): Pause[] {
  if (pause === null || pause.epoch + pause.epochs <= epoch) return []
  return state.db
    .all('SELECT epoch, epochs FROM pauses WHERE pinner = ? AND epoch + epochs > ? ORDER BY epoch', id, epoch)
    .map((row) => ({ epoch: Number(row.epoch), epochs: Number(row.epochs) }))
}

/** How long something has lasted since, but for pauses of this pinner. */
export function withoutPauses(state: State, role: Role, from: number, until: number): number {
  const p = state.parameters
  const pauses = pausesSince(state, role, Math.floor(from / p.epochMs))
  return until - from - pausedMs(pauses, { from, until }, p)
}

/** The pause of a pinner that was announced last. */
export function lastPause({ db }: State, { id }: Role): Pause | null {
  const row = db.get('SELECT epoch, epochs FROM pauses WHERE pinner = ? ORDER BY epoch DESC LIMIT 1', id)
  return row ? { epoch: Number(row.epoch), epochs: Number(row.epochs) } : null
}
