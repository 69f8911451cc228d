import { made, refusals } from './agreement.js'
import { merkle, refusal, slices } from './proof-vectors.js'
import { Comparisons } from './room.js'
import {
  absence,
  challenges,
  deliveries,
  encodings,
  entries,
  forks,
  hashing,
  merging,
  money,
  operations,
  openings,
  originals,
  pauses,
  seal,
  wrap
} from './vectors.js'

const checks: Record<string, (it: Comparisons, vectors: never) => void | Promise<void>> = {
  hashing,
  encodings,
  entries,
  operations,
  originals,
  openings,
  'rules-money': money,
  'rules-deliveries': deliveries,
  'rules-forks': forks,
  'rules-merging': merging,
  'rules-challenges': challenges,
  'rules-absence': absence,
  'rules-pause': pauses,
  merkle,
  slices,
  refusal,
  wrap,
  seal
}

/** The files of test/vectors that `check` knows. */
export const checked = Object.keys(checks)

/** How many comparisons a file of vectors, as JSON, stands. @throws Error at the first that it does not */
export async function check(name: string, json: string): Promise<number> {
  const comparisons = new Comparisons()
  await checks[name]!(comparisons, JSON.parse(json) as never)
  return comparisons.count
}

/** What `made` or `refusals` gives, as JSON. */
export function agree(what: 'made' | 'refusals', seed: number, count: number, samples: string): string {
  if (what === 'made') return JSON.stringify(made(seed, count))
  return JSON.stringify(refusals(seed, count, JSON.parse(samples) as string[]))
}
