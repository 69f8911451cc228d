import { ChainError } from '../../errors.js'
import type { Body } from '../../protocol/operations.js'
import { pauseEpochsLeft, pauseRange, pausesFrom, type Pause } from '../rules/pause.js'
import type { Account, Role, State } from '../state.js'
import { payFeeOfRole } from './fees.js'
import { lastPause, pausesSince } from './pause-rows.js'
import { askPinner } from './slots.js'

// A pinner says before that it will be away: it is not asked meanwhile, nor paid, and nothing else follows.

/** Announces a pause, or, with no epochs, ends the one that begins so. */
export function pausePinner(state: State, sender: Account, body: Body<'pause'>): void {
  const role = state.roleOf(sender, 'pinner')
  if (!role || role.state === 2) throw new ChainError('ROLE_UNKNOWN', 'the sender is no pinner')
  if (body.epochs === 0) end(state, role, body.epoch)
  else announce(state, role, body)
  payFeeOfRole(state, { sender, role, least: 0n }, { kind: 'pause', body })
  state.emit({
    kind: 'pauseSet',
    key: sender.key,
    epoch: body.epoch,
    epochs: role.pause?.epoch === body.epoch ? role.pause.epochs : 0
  })
}

function announce(state: State, role: Role, { epoch, epochs }: Pause): void {
  const { db, head, parameters: p } = state
  if (role.pauseDue !== null) {
    throw new ChainError('PAUSE_KNOWN', `a pause from epoch ${role.pause!.epoch} on is not over`)
  }
  const { first, last } = pauseRange(head.clock, p)
  if (epoch < first || epoch > last) {
    throw new ChainError('PAUSE_TIME', `a pause may now begin with the epochs ${first} to ${last}`)
  }
  const ended = pausesFrom(head.epoch, p)
  db.run('DELETE FROM pauses WHERE pinner = ? AND epoch + epochs <= ?', role.id, ended)
  const left = pauseEpochsLeft({ epoch, epochs }, pausesSince(state, role, ended), p)
  if (epochs > left) {
    throw new ChainError('PAUSE_TOO_LONG', `${left} epochs of pauses are left for it in its month`)
  }
  db.run('INSERT INTO pauses (pinner, epoch, epochs) VALUES (?, ?, ?)', role.id, epoch, epochs)
  role.pause = { epoch, epochs }
  role.pauseDue = epoch - 1
  state.touch(role)
}

/** Takes a pause back before it begins, or has it end with the present epoch: who asked at once would choose the value that it is asked by. */
function end(state: State, role: Role, epoch: number): void {
  const { db, head } = state
  const { pause } = role
  if (role.pauseDue === null || pause?.epoch !== epoch) {
    throw new ChainError('PAUSE_UNKNOWN', `no pause from epoch ${epoch} on is announced or goes on`)
  }
  if (head.epoch < epoch) {
    db.run('DELETE FROM pauses WHERE pinner = ? AND epoch = ?', role.id, epoch)
    role.pause = lastPause(state, role)
    role.pauseDue = null
  } else {
    const epochs = Math.min(pause.epochs, head.epoch + 1 - epoch)
    db.run('UPDATE pauses SET epochs = ? WHERE pinner = ? AND epoch = ?', epochs, role.id, epoch)
    role.pause = { epoch, epochs }
    role.pauseDue = epoch + epochs
  }
  state.touch(role)
}

/** Begins pauses, from an epoch before on as far as draws are concerned, and ends them: then their pinners are asked for what was drawn meanwhile. Returns the steps done. */
export function followPauses(state: State, work: number): number {
  const { db, head } = state
  const rows = db.all(
    'SELECT id FROM roles WHERE pause_due <= ? ORDER BY pause_due, id LIMIT ?',
    head.epoch,
    work
  )
  for (const { id } of rows) {
    const role = state.role(Number(id))
    const { epoch, epochs } = role.pause!
    const isOver = head.epoch >= epoch + epochs
    role.pauseDue = isOver ? null : epoch + epochs
    state.touch(role)
    if (isOver) askPinner(state, role.id)
  }
  return rows.length
}
