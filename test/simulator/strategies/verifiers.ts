import type { Report } from '../../../src/protocol/operations.js'
import type { CheckView } from '../../../src/protocol/views.js'
import { Verifier } from './verifier.js'

function says(copy: number, good: boolean): Report {
  const measured = good
    ? { firstByteUs: 40_000, bytesPerSecond: 5_000_000 }
    : { firstByteUs: 9_000_000, bytesPerSecond: 0 }
  return { copy, ...measured, misses: good ? 0 : 8, blocks: 8, bytes: 8_000 }
}

/** Fetches nothing and says what is most often true; so does one that always praises. */
export class Praising extends Verifier {
  override measure(_: unknown, { copy }: CheckView): Report {
    return says(copy, true)
  }
}

/** Says of everybody that nothing is served. */
export class Damning extends Verifier {
  override measure(_: unknown, { copy }: CheckView): Report {
    return says(copy, false)
  }
}

/** Takes part in draws and reports nothing. */
export class Absent extends Verifier {
  override async work(): Promise<void> {}
}
