import type { Hypercore, Task } from '../rows.js'
import type { Role, State } from '../state.js'

/** Puts a task in line: those of one hypercore take turns with those of the others. */
export function queueTask(state: State, task: Task, hypercore: Hypercore): void {
  task.state = 'wanted'
  task.deadline = null
  task.turn = nextTurn(state, hypercore)
}

/** The turn of a hypercore's next task. */
export function nextTurn(state: State, hypercore: Hypercore): number {
  const turn = Math.max(state.head.turn, hypercore.turn) + 1
  state.db.run('UPDATE hypercores SET turn = ? WHERE id = ?', turn, hypercore.id)
  hypercore.turn = turn
  return turn
}

/** From now on whoever holds this role is not drawn for this copy. */
export function passOver(state: State, copy: number, role: Role): void {
  state.db.run('INSERT OR IGNORE INTO passed (copy, wallet) VALUES (?, ?)', copy, role.wallet)
}
