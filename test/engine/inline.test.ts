import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { Engine } from '../../src/engine/engine.js'
import { InlineExecutor, type TaskTable } from '../../src/engine/inline.js'
import type { TaskRequest } from '../../src/engine/messages.js'
import { CodecError, CryptoError, EngineError } from '../../src/errors.js'
import { inlineTasks } from '../../workers/inline.js'
import { workerTask } from '../../workers/task.js'
import { chunksOf, wrapSegment } from './fixtures.js'

/** Tasks of workers/, some of them in place of the real ones. */
function executor(tasks: TaskTable): InlineExecutor {
  return new InlineExecutor(tasks, [])
}

test('every task that workers have a file for is one of this thread too', async () => {
  const other = ['inline', 'task', 'tasks']
  const files = readdirSync(new URL('../../workers/', import.meta.url))
    .filter((file) => file.endsWith('.js'))
    .map((file) => file.slice(0, -3))
    .filter((name) => !other.includes(name))
  assert.deepEqual(Object.keys(inlineTasks).sort(), files.sort())
  for (const name of files) {
    const module = (await import(`../../workers/${name}.js`)) as { default: unknown }
    assert.equal(inlineTasks[name as keyof typeof inlineTasks], module.default)
  }
})

test('tasks are done one at a time, in the order of asking', async () => {
  const log: string[] = []
  const task = workerTask<'decode-chunks'>(async ({ chunks }) => {
    log.push(`begin ${chunks[0]!.index}`)
    for (let i = chunks[0]!.index; i < 5; i++) await Promise.resolve()
    log.push(`end ${chunks[0]!.index}`)
    return []
  })
  const engine = new Engine({ inline: { ...inlineTasks, 'decode-chunks': task } })
  const segment = wrapSegment()
  const ask = (index: number) => engine.decodeChunks(segment, [{ index, bytes: Buffer.alloc(1) }])
  await Promise.all([ask(1), ask(2), ask(3)])
  await engine.close()
  assert.deepEqual(log, ['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
})

test('what a task is given and gives is copied, as between threads', async () => {
  let result = Buffer.alloc(0)
  const engine = executor({
    echo: ({ input }: TaskRequest<Uint8Array>) => {
      result = Buffer.from(input)
      input.fill(0)
      return Promise.resolve({ value: result })
    }
  })
  const given = Buffer.from('given')
  const asked = engine.call('echo', given)
  given.fill(1)
  const got = (await asked) as Uint8Array
  assert.deepEqual(given, Buffer.alloc(5, 1))
  assert.ok(!Buffer.isBuffer(got))
  assert.notEqual(got.buffer, result.buffer)
  assert.equal(Buffer.from(got).toString(), 'given')
})

test('errors have the class that they have from a worker', async () => {
  for (const [error, expected] of [
    [new CodecError('CODEC_LENGTH', 'too long', 7), { name: 'CodecError', code: 'CODEC_LENGTH', index: 7 }],
    [new CryptoError('RSA_KEY', 'no key'), { name: 'CryptoError', code: 'RSA_KEY' }],
    [new TypeError('a bug'), { name: 'EngineError', code: 'ENGINE_TASK' }]
  ] as const) {
    const failing = workerTask<'seal-key'>(() => {
      throw error
    })
    await assert.rejects(executor({ failing }).call('failing', {}), expected)
  }
})

test('a task after one that failed is done', async () => {
  const engine = new Engine({ inline: inlineTasks })
  const chunk = { index: 0, bytes: Buffer.alloc(200) }
  const [bad, good] = await Promise.allSettled([
    engine.decodeChunks(wrapSegment(), [chunk]),
    engine.call('seal-key', { seed: Buffer.alloc(32), primes: 4 })
  ])
  await engine.close()
  assert.equal(bad.status, 'rejected')
  assert.equal(good.status, 'fulfilled')
})

test('closing ends what has not begun, and later calls', async () => {
  const executor = new InlineExecutor({ ...inlineTasks }, [])
  const ask = () => executor.call('decode-chunks', { segment: wrapSegment(), chunks: [] })
  const asked = [ask(), ask()]
  const closed = executor.close()
  for (const result of await Promise.allSettled(asked)) {
    assert.equal(result.status, 'rejected')
    assert.ok(result.reason instanceof EngineError)
    assert.equal(result.reason.code, 'ENGINE_CLOSED')
  }
  await closed
  await assert.rejects(ask(), { code: 'ENGINE_CLOSED' })
})

test('a task that this thread has not got is named', async () => {
  await assert.rejects(executor({}).call('nothing', {}), { code: 'ENGINE_WORKERS' })
})

test('streams of two engines in one thread do not meet', async () => {
  const chunks = chunksOf(Array<number>(200).fill(3000))
  const seed = Buffer.alloc(32, 3)
  const encode = async (engine: Engine): Promise<Buffer[]> => {
    const out: Buffer[] = []
    for await (const batch of engine.encode(chunks, { segment: wrapSegment(), start: 0, seed })) {
      out.push(...batch.chunks.map((chunk) => Buffer.from(chunk)))
    }
    return out
  }
  const engines = [1, 2].map(() => new Engine({ inline: inlineTasks, memoryBytes: 256 * 1024 }))
  const threads = new Engine({ threads: 1 })
  try {
    const [one, other] = await Promise.all(engines.map(encode))
    const expected = await encode(threads)
    assert.deepEqual(one, expected)
    assert.deepEqual(other, expected)
  } finally {
    await Promise.all([...engines, threads].map((engine) => engine.close()))
  }
})
