/** Who waits: those with an account on the chain, and strangers, who are served beside them and never before them. */
export type Standing = 'member' | 'stranger'

export interface Place {
  /** Whose turn it takes. */
  key: string
  standing: Standing
}

/** What waits, taken in turn by whose it is: who sends much waits for itself and not for others. */
export class FairQueue<T> {
  readonly #lines = { member: new Map<string, T[]>(), stranger: new Map<string, T[]>() }
  #size = 0

  get size(): number {
    return this.#size
  }

  put({ key, standing }: Place, item: T): void {
    const lines = this.#lines[standing]
    const line = lines.get(key)
    if (line) line.push(item)
    else lines.set(key, [item])
    this.#size++
  }

  /**
   * Some of what waits, of whose turn it is; then it is the others' turn. What `fits` says no to stays, and ends the turn.
   *
   * @param most items that are taken at a turn
   */
  take(standing: Standing, most = 1, fits: (item: T) => boolean = () => true): T[] {
    const lines = this.#lines[standing]
    const [next] = lines
    if (!next) return []
    const [key, line] = next
    let end = 0
    while (end < most && end < line.length && fits(line[end] as T)) end++
    if (end === 0) return []
    const taken = line.splice(0, end)
    this.#size -= end
    lines.delete(key)
    if (line.length > 0) lines.set(key, line)
    return taken
  }

  /** Puts back what was taken and is not done, in front of what else waits there. */
  putBack({ key, standing }: Place, items: readonly T[]): void {
    const lines = this.#lines[standing]
    lines.set(key, [...items, ...(lines.get(key) ?? [])])
    this.#size += items.length
  }
}
