import type { HypercoreView } from '../protocol/views.js'

/** Copies of a hypercore that hold all of it, and nothing that its author has taken away. */
export function wholeCopies({ copies, fork, length }: HypercoreView): number {
  const isWhole = (copy: HypercoreView['copies'][number]): boolean =>
    copy.state === 'active' && copy.length === length && copy.segments.at(-1)?.fork === fork
  return copies.filter(isWhole).length
}
