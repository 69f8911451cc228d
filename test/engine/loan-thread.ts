import { parentPort, workerData } from 'node:worker_threads'
import { loans } from '../../src/engine/loans.js'

// Borrows again and again until the loan has ended, or lends something and ends without giving it back.
const { loan, bytes } = workerData as { loan: number | undefined; bytes: number }
const target = new Uint8Array(bytes)

if (loan === undefined) {
  parentPort!.postMessage(loans!.lend([target], [0]))
} else {
  for (let times = 0; ; times++) {
    try {
      loans!.borrow(loan, target, 0, bytes)
    } catch (error) {
      parentPort!.postMessage({ times, last: target, error: (error as Error).message })
      break
    }
    if (times === 0) parentPort!.postMessage('began')
  }
}
