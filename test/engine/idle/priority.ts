import { getPriority } from 'node:os'
import { threadId } from 'node:worker_threads'

/** On which thread it runs, and with what priority; first waits until it may end. */
export default function priority({ input: { gate } }: { input: { gate: Int32Array } }): {
  value: { thread: number; priority: number }
} {
  Atomics.wait(gate, 0, 0)
  return { value: { thread: threadId, priority: getPriority(0) } }
}
