import assert from 'node:assert/strict'
import test from 'node:test'
import type { ChainClient } from '../../src/client/client.js'
import type { AssignmentView } from '../../src/protocol/views.js'
import { LastWords } from '../../src/roles/last-words.js'

/** A draw that waits until a moment of chain time. */
function waiting(draw: number, deadline: number): AssignmentView {
  return { draw, task: { deadline } } as AssignmentView
}

/** A member of a chain whose time goes on by what is waited, less what the chain is away in each wait. */
class Watcher {
  clockNow = 0
  open: AssignmentView[] = []
  awayMs: number[] = []
  /** Chain time of each word, and the draw that it is about. */
  readonly said: [number, number][] = []
  readonly #jobs: Promise<void>[] = []
  readonly #words: LastWords

  constructor() {
    const chain = {
      info: () => Promise.resolve({ clockNow: this.clockNow }),
      assignments: () => Promise.resolve(this.open)
    } as unknown as ChainClient
    const member = {
      chain,
      signal: new AbortController().signal,
      run: (_: string, job: () => Promise<void>) => void this.#jobs.push(job()),
      pause: (ms: number) => {
        this.clockNow += ms - (this.awayMs.shift() ?? 0)
        return Promise.resolve()
      }
    }
    this.#words = new LastWords(member, ({ draw }) => {
      this.said.push([this.clockNow, draw])
      return Promise.resolve()
    })
  }

  async watch(...open: AssignmentView[]): Promise<void> {
    this.open = open
    this.#words.work(open)
    await Promise.all(this.#jobs)
  }
}

test('something is said of a draw a minute before its time is over', async () => {
  const watcher = new Watcher()
  await watcher.watch(waiting(7, 600_000))
  assert.deepEqual(watcher.said, [[540_000, 7]])
})

test('where there is little time, it is said when a quarter of it is left', async () => {
  const watcher = new Watcher()
  await watcher.watch(waiting(7, 120_000))
  assert.deepEqual(watcher.said, [[90_000, 7]])
})

test('time in which the chain is away is not counted', async () => {
  const watcher = new Watcher()
  watcher.awayMs = [300_000, 100_000]
  await watcher.watch(waiting(7, 600_000))
  assert.deepEqual(watcher.said, [[540_000, 7]])
})

test('nothing is said of a draw that is over meanwhile, or that waits until another time', async () => {
  for (const then of [[], [waiting(7, 900_000)]]) {
    const watcher = new Watcher()
    const watched = watcher.watch(waiting(7, 600_000))
    watcher.open = then
    await watched
    assert.deepEqual(watcher.said, [])
  }
})

test('a draw is watched once, and again when it waits anew', async () => {
  const watcher = new Watcher()
  await watcher.watch(waiting(7, 600_000))
  await watcher.watch(waiting(7, 600_000))
  assert.equal(watcher.said.length, 1)
  await watcher.watch(waiting(7, 800_000))
  assert.deepEqual(watcher.said.at(-1), [740_000, 7])
})
