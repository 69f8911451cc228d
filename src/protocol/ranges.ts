/** Blocks `[start, end)`. */
export interface BlockRange {
  start: number
  end: number
}

/** Whether a block lies in one of some ranges. */
export function isIn(ranges: readonly BlockRange[], index: number): boolean {
  return ranges.some(({ start, end }) => index >= start && index < end)
}

/** How many blocks ranges have together. */
export function blocksOf(ranges: readonly BlockRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}

/** What of `[start, end)` lies in none of some ranges, which are in order. */
export function outside(ranges: readonly BlockRange[], start: number, end: number): BlockRange[] {
  const found: BlockRange[] = []
  let at = start
  for (const range of ranges) {
    const until = Math.min(range.start, end)
    if (until > at) found.push({ start: at, end: until })
    at = Math.max(at, range.end)
  }
  if (at < end) found.push({ start: at, end })
  return found
}

/** What of some ranges lies in `[start, end)`. */
export function within(ranges: readonly BlockRange[], start: number, end: number): BlockRange[] {
  return ranges
    .map((range) => ({ start: Math.max(start, range.start), end: Math.min(end, range.end) }))
    .filter((range) => range.start < range.end)
}
