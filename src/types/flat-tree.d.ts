/** The part of flat-tree 1 that datdot calls; it ships no types of its own. */
declare module 'flat-tree' {
  /** Roots of the subtrees that cover the leaves below flat index `index` (twice the number of leaves). */
  export function fullRoots(index: number): number[]
  export function sibling(index: number): number
  export function parent(index: number): number
  export function leftSpan(index: number): number
  export function rightSpan(index: number): number
}
