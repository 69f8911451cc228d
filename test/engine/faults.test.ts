import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeChunk } from '../../src/chunk/codecs.js'
import { Engine, type ChunkSource } from '../../src/engine/engine.js'
import { loans } from '../../src/engine/loans.js'
import { EngineError } from '../../src/errors.js'
import { chunksOf, slowly, wrapSegment } from './fixtures.js'

const segment = wrapSegment()
const chunks = chunksOf(Array<number>(60).fill(30_000))

/** Runs with an engine whose slabs hold six of these chunks, and checks that none is lost. */
async function withEngine(
  run: (engine: Engine) => Promise<void>,
  seeds?: (draw: number) => number[]
): Promise<void> {
  let draws = 0
  const engine = new Engine({
    threads: 2,
    memoryBytes: 6 * 256 * 1024,
    ...(seeds && {
      workers: new URL('./faulty/', import.meta.url),
      random: (length: number) => Buffer.concat([Buffer.from(seeds(draws++)), Buffer.alloc(length)], length)
    })
  })
  try {
    await run(engine)
    assert.equal(engine.slabsHeld, 0)
    assert.equal(loans?.count() ?? 0, 0)
  } finally {
    await engine.close()
  }
}

async function encodeAll(engine: Engine, source: ChunkSource, signal?: AbortSignal): Promise<Buffer[]> {
  const out: Buffer[] = []
  const options = signal ? { signal } : {}
  for await (const batch of engine.encode(source, { segment, start: 0 }, options)) {
    out.push(...batch.chunks.map((chunk) => Buffer.from(chunk)))
  }
  return out
}

for (const [how, kind] of [
  ['throws outside its task', 0],
  ['exits', 1]
] as const) {
  test(`when a worker ${how}, its task is done again from the original bytes, in order`, async () => {
    await withEngine(
      async (engine) => {
        const encoded = await encodeAll(engine, slowly(chunks))
        assert.deepEqual(
          encoded.map((chunk, i) => decodeChunk(segment, i, chunk)),
          chunks
        )
      },
      (draw) => [draw === 2 || draw === 3 || draw === 7 ? 1 : 0, kind]
    )
  })
}

test('a task on which workers crash twice fails with its chunks and the cause, after all before it', async () => {
  await withEngine(
    async (engine) => {
      let seen = 0
      const failed = await assert.rejects(
        (async () => {
          for await (const batch of engine.encode(chunks, { segment, start: 0 })) seen += batch.count
        })(),
        (error) => {
          assert.ok(error instanceof EngineError)
          assert.equal(error.code, 'ENGINE_CRASH')
          assert.match(error.message, new RegExp(`^chunks ${seen} to \\d+: `))
          assert.match((error.cause as Error).message, /a fault made by the test/)
          return true
        }
      )
      assert.equal(failed, undefined)
      assert.ok(seen > 0)
      assert.equal((await encodeAll(engine, chunks)).length, chunks.length)
    },
    (draw) => [draw === 4 ? 2 : 0, 0]
  )
})

test('a crash spares the other streams', async () => {
  await withEngine(
    async (engine) => {
      const first = encodeAll(engine, slowly(chunks))
      const second = encodeAll(engine, slowly(chunks))
      const outcomes = await Promise.allSettled([first, second])
      const lengths = outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value.length)
      assert.deepEqual(lengths.toSorted(), [chunks.length, false])
    },
    (draw) => [draw === 5 ? 2 : 0, 1]
  )
})

test('leaving a stream at any batch gives back all it holds and ends its source', async () => {
  await withEngine(async (engine) => {
    for (let leaveAt = 1; leaveAt < 12; leaveAt += 2) {
      let ended = false
      const source = async function* () {
        try {
          yield* chunks
        } finally {
          ended = true
        }
      }
      let batches = 0
      for await (const batch of engine.encode(source(), { segment, start: 0 })) {
        assert.ok(batch.count > 0)
        if (++batches === leaveAt) break
      }
      assert.ok(ended)
      assert.equal(engine.slabsHeld, 0)
    }
  })
})

test('a signal ends a stream at any moment with its reason', async () => {
  await withEngine(async (engine) => {
    const reason = new Error('enough')
    for (let after = 0; after <= chunks.length; after += 4) {
      const controller = new AbortController()
      const source = async function* () {
        for (const [i, chunk] of chunks.entries()) {
          if (i === after) controller.abort(reason)
          yield chunk
          if (i % 10 === 0) await new Promise(setImmediate)
        }
        controller.abort(reason)
      }
      await assert.rejects(encodeAll(engine, source(), controller.signal), reason)
      assert.equal(engine.slabsHeld, 0)
    }
    await assert.rejects(encodeAll(engine, chunks, AbortSignal.abort(reason)), reason)
  })
})

test('a signal ends a stream whose source hangs, and one whose consumer sleeps', async () => {
  await withEngine(async (engine) => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const hanging = async function* () {
      yield chunks[0]!
      await new Promise(() => {})
    }
    const encoding = encodeAll(engine, hanging(), controller.signal)
    setTimeout(() => controller.abort(reason), 20)
    await assert.rejects(encoding, reason)

    const sleeper = new AbortController()
    const batches = engine.encode(slowly(chunks), { segment, start: 0 }, { signal: sleeper.signal })
    await batches.next()
    await new Promise((resolve) => setTimeout(resolve, 20))
    sleeper.abort(reason)
    await assert.rejects(batches.next(), reason)
  })
})

test('chunks of a source that pauses come out while it pauses', async () => {
  await withEngine(async (engine) => {
    let go = () => {}
    const paused = async function* () {
      yield chunks[0]!
      yield chunks[1]!
      await new Promise<void>((resolve) => (go = resolve))
      yield chunks[2]!
    }
    const batches = engine.encode(paused(), { segment, start: 0 })
    let count = 0
    while (count < 2) count += (await batches.next()).value!.count
    go()
    assert.equal((await batches.next()).value!.count, 1)
    assert.equal((await batches.next()).done, true)
  })
})

test('an error of the source comes out after the chunks before it', async () => {
  await withEngine(async (engine) => {
    const failing = async function* () {
      yield* chunks.slice(0, 10)
      throw new Error('the source broke')
    }
    let count = 0
    const encoding = async () => {
      for await (const batch of engine.encode(failing(), { segment, start: 0 })) count += batch.count
    }
    await assert.rejects(encoding(), /the source broke/)
    assert.equal(count, 10)
  })
})

test('more streams than slabs all get their turn', async () => {
  await withEngine(async (engine) => {
    const streams = Array.from({ length: 9 }, () => encodeAll(engine, slowly(chunks)))
    for (const encoded of await Promise.all(streams)) assert.equal(encoded.length, chunks.length)
  })
})

test('closing the engine ends open streams and tasks, and nothing starts after it', async () => {
  const engine = new Engine({ threads: 2 })
  const hanging = async function* () {
    yield chunks[0]!
    await new Promise(() => {})
  }
  const encoding = encodeAll(engine, hanging())
  const closed = { code: 'ENGINE_CLOSED' }
  await new Promise((resolve) => setTimeout(resolve, 50))
  const rejections = Promise.all([
    assert.rejects(encoding, closed),
    assert.rejects(engine.decodeChunks(segment, []), closed)
  ])
  await engine.close()
  await rejections
  assert.equal(engine.slabsHeld, 0)
  await assert.rejects(encodeAll(engine, chunks), closed)
  await assert.rejects(engine.decodeChunks(segment, []), closed)
})

test('workers that cannot start are an error, not a wait', async () => {
  const engine = new Engine({ threads: 1, workers: new URL('./nowhere/', import.meta.url) })
  try {
    await assert.rejects(encodeAll(engine, chunks.slice(0, 1)), EngineError)
    assert.equal(engine.slabsHeld, 0)
  } finally {
    await engine.close()
  }
})
