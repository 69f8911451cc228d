import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { segmentId, type SegmentSecret } from '../../src/chunk/codec.js'
import { randomBytes } from '../../src/crypto/keys.js'
import { rsaKeyFromSeed, type PrimeCount } from '../../src/crypto/rsa-key.js'
import { PAYLOAD_BYTES, rsaPaths, type RsaPath } from '../../src/crypto/rsa.js'
import { Engine, type Batch } from '../../src/engine/engine.js'
import { TreeBuilder } from '../../src/merkle/builder.js'
import { oneByOne, plainChunks, wrapSegment, type Chunks } from '../data.js'
import type { Contender, Role, Suite } from '../harness.js'
import type { RsaWork } from '../threads/rsa.js'

const CHUNK_BYTES = 64 * 1024
const BLOCKS_PER_CHUNK = CHUNK_BYTES / PAYLOAD_BYTES
const RUN_SECONDS = 0.15
const ROUNDS = 5
/** For each thread. Small slabs for the slower way, so that each run is many tasks. */
const MEMORY_BYTES = { seal: 2 * 1024 * 1024, open: 8 * 1024 * 1024 }
/** Bits of the CPU that OpenSSL is to ignore: AVX512-IFMA. */
const WITHOUT_IFMA = ':~0x200000'

/** Rough seconds a block, on one thread; they only decide how long a run is. */
const SEAL_SECONDS: Record<RsaPath, number> = { ifma: 36e-6, avx2: 100e-6, portable: 220e-6, bigint: 1600e-6 }
const OPEN_SECONDS: Record<RsaPath, number> = { ifma: 3.5e-6, avx2: 8e-6, portable: 21e-6, bigint: 150e-6 }
const NODE_SECONDS = { 'node private': 260e-6, 'node public': 17e-6 }

/**
 * First the bare cores of all paths side by side, on one thread, with what node:crypto does with RSA-2048: in the same
 * rounds, one after the other. Then the codec through the engine, mask, tree and all, for each path and number of primes,
 * on one core and on all; against the bare core, and against node:crypto. Paths without AVX512-IFMA stand beside an OpenSSL
 * that may not use it either.
 */
const suite: Suite = async ({ cores, compare, note, quick }) => {
  for (const primes of quick ? ([4] as const) : ([4, 3] as const)) await sideBySide('seal', primes)
  await sideBySide('open', 4)
  for (const threads of cores === 1 ? [1] : [1, cores]) {
    for (const path of quick ? rsaPaths().slice(0, 1) : rsaPaths()) {
      if (path === 'bigint' && threads > 1) continue
      for (const primes of path === 'bigint' || quick ? ([4] as const) : ([4, 3] as const)) {
        await measure('seal', path, primes, threads)
      }
      await measure('open', path, 4, threads)
    }
  }
  await besideWrap(1)
  if (cores > 1 && !quick)
    note(`seal ${rsaPaths()[0]} 4-prime, ${cores} workers over 1`, await workersOverOne())

  /** `of ceiling` is then the ratio to the fastest path, `of alternative` that to Node's. */
  async function sideBySide(job: 'seal' | 'open', primes: PrimeCount): Promise<void> {
    const node = job === 'seal' ? 'node private' : 'node public'
    const contenders: Contender[] = []
    const runners: Runner[] = []
    const add = async (name: string, role: Role, work: RsaWork, seconds: number, ia32cap?: string) => {
      const chunks = Math.max(1, Math.round(RUN_SECONDS / seconds / BLOCKS_PER_CHUNK))
      const runner = await start(work, 1, ia32cap)
      runners.push({ run: () => runner.run(chunks), close: () => runner.close() })
      contenders.push({ name, role, chunks, run: () => runner.run(chunks) })
    }
    for (const [i, path] of rsaPaths().entries()) {
      const seconds = (job === 'seal' ? SEAL_SECONDS : OPEN_SECONDS)[path] * (primes === 3 ? 1.7 : 1)
      const work: RsaWork = { name: `${job} core`, path, primes }
      const name = job === 'seal' ? `seal ${primes}-prime core` : 'open core'
      if (i === 0) await add(`${name} ${path}, the fastest`, 'ceiling', work, seconds)
      await add(`${name} ${path}`, 'subject', work, seconds)
    }
    await add(node, 'alternative', { name: node }, NODE_SECONDS[node])
    await add(`${node} without IFMA`, 'alternative', { name: node }, NODE_SECONDS[node], WITHOUT_IFMA)
    await compare({ suite: 'seal', chunkBytes: CHUNK_BYTES, threads: 1, contenders })
    for (const { close } of runners) await close()
  }

  async function measure(
    job: 'seal' | 'open',
    path: RsaPath,
    primes: PrimeCount,
    threads: number
  ): Promise<void> {
    const seconds = (job === 'seal' ? SEAL_SECONDS : OPEN_SECONDS)[path] * (primes === 3 ? 1.7 : 1)
    // Enough for every thread to have tasks of its own.
    const total = threads * Math.max(4, Math.round(RUN_SECONDS / seconds / BLOCKS_PER_CHUNK))
    const stream = await engineOf(job, path, primes, threads, total)
    const core = await start({ name: `${job} core`, path, primes }, threads)
    const name = job === 'seal' ? 'node private' : 'node public'
    const masked = path === 'ifma' ? undefined : WITHOUT_IFMA
    const node = await start({ name }, threads, masked)
    const nodeTotal = threads * Math.max(1, Math.round(RUN_SECONDS / NODE_SECONDS[name] / BLOCKS_PER_CHUNK))
    const subject = job === 'seal' ? `seal ${path} ${primes}-prime` : `open ${path}`
    await compare({
      suite: 'seal',
      chunkBytes: CHUNK_BYTES,
      threads,
      contenders: [
        { name: subject, role: 'subject', chunks: total, run: stream.run },
        { name: `${job} core`, role: 'ceiling', chunks: total, run: async () => await core.run(total) },
        {
          name: masked === undefined ? name : `${name} without IFMA`,
          role: 'alternative',
          chunks: nodeTotal,
          run: async () => await node.run(nodeTotal)
        }
      ]
    })
    for (const { close } of [stream, core, node]) await close()
  }

  /** Chunks a second of all cores' workers over those of one, in alternating runs. */
  async function workersOverOne(): Promise<number> {
    const path = rsaPaths()[0]!
    // Long runs: in a short one a worker waits for the other's last task, which would count as much as the scaling.
    const seconds = 6 * RUN_SECONDS
    const total = Math.max(1, Math.round(seconds / SEAL_SECONDS[path] / BLOCKS_PER_CHUNK))
    const one = await engineOf('seal', path, 4, 1, total)
    const all = await engineOf('seal', path, 4, cores, total * cores)
    const ratios: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now()
      await one.run()
      const between = performance.now()
      await all.run()
      ratios.push((cores * (between - start)) / (performance.now() - between))
    }
    for (const { close } of [one, all]) await close()
    return Number(ratios.toSorted((a, b) => a - b)[ROUNDS >> 1]!.toPrecision(3))
  }

  /** The other codec in the same run. */
  async function besideWrap(threads: number): Promise<void> {
    const path = rsaPaths()[0]!
    const total = threads * Math.max(1, Math.round(RUN_SECONDS / SEAL_SECONDS[path] / BLOCKS_PER_CHUNK))
    const contenders: Contender[] = []
    const streams = [await engineOf('seal', path, 4, threads, total)]
    const segment = wrapSegment()
    const chunks = plainChunks(CHUNK_BYTES, 2000)
    const engine = new Engine({ threads })
    const run = async () =>
      await consume(engine.encode(oneByOne(chunks, chunks.count), { segment, start: 0 }))
    streams.push({ run, close: () => engine.close() })
    contenders.push({ name: 'encode wrap', role: 'ceiling', chunks: chunks.count, run })
    contenders.push({
      name: `seal ${path} 4-prime beside wrap`,
      role: 'subject',
      chunks: total,
      run: streams[0]!.run
    })
    const node = await start({ name: 'node private' }, threads)
    contenders.push({
      name: 'node private',
      role: 'alternative',
      chunks: 4 * threads,
      run: async () => await node.run(4 * threads)
    })
    await compare({ suite: 'seal', chunkBytes: CHUNK_BYTES, threads, contenders })
    for (const { close } of [...streams, node]) await close()
  }
}

/** Something that does chunks, and ends. */
interface Runner {
  run: () => Promise<void>
  close: () => Promise<void>
}

/** An engine whose workers are held to one path, and what it does in a run. */
async function engineOf(
  job: 'seal' | 'open',
  path: RsaPath,
  primes: PrimeCount,
  threads: number,
  total: number
): Promise<Runner> {
  const segment = sealSegment(primes)
  const engine = new Engine({ threads, memoryBytes: MEMORY_BYTES[job] * threads })
  const before = process.env.DATDOT_NATIVE
  // Threads copy the environment when they start, with the first run.
  process.env.DATDOT_NATIVE = path === 'bigint' ? 'off' : path
  try {
    const plain = plainChunks(CHUNK_BYTES, total)
    const encode = (chunks: Chunks) => engine.encode(oneByOne(chunks, total), { segment, start: 0 })
    if (job === 'seal') {
      await consume(engine.encode(oneByOne(plain, 1), { segment, start: 0 }))
      return { run: async () => await consume(encode(plain)), close: () => engine.close() }
    }
    const parts: Buffer[] = []
    const seal = new Engine({ threads })
    process.env.DATDOT_NATIVE = rsaPaths()[0] === 'bigint' ? 'off' : ''
    for await (const batch of seal.encode(oneByOne(plain, total), { segment, start: 0 })) {
      parts.push(Buffer.from(batch.encoded))
    }
    await seal.close()
    process.env.DATDOT_NATIVE = path === 'bigint' ? 'off' : path
    const all = Buffer.concat(parts)
    const bytes = Buffer.from(new SharedArrayBuffer(all.byteLength))
    bytes.set(all)
    const sealed = { bytes, chunkBytes: all.byteLength / total, count: total }
    const decode = async () => await consume(engine.decode(oneByOne(sealed, total), { segment, start: 0 }))
    await decode()
    return { run: decode, close: () => engine.close() }
  } finally {
    if (before === undefined) delete process.env.DATDOT_NATIVE
    else process.env.DATDOT_NATIVE = before
  }
}

/** Bare threads, or processes where OpenSSL is told what the CPU cannot do. */
async function start(
  work: RsaWork,
  threads: number,
  ia32cap?: string
): Promise<{ run: (chunks: number) => Promise<void>; close: () => Promise<void> }> {
  const workers = Array.from({ length: threads }, () =>
    ia32cap === undefined ? thread(work) : childProcess(work, ia32cap)
  )
  await Promise.all(workers.map(({ emitter }) => once(emitter, 'message')))
  return {
    async run(chunks) {
      const done = workers.map(({ emitter }) => once(emitter, 'message'))
      for (const { send } of workers) send(Math.ceil((chunks * BLOCKS_PER_CHUNK) / threads))
      await Promise.all(done)
    },
    close: async () => void (await Promise.all(workers.map(({ end }) => end())))
  }
}

function thread(work: RsaWork) {
  const emitter = new Worker(new URL('../threads/rsa.js', import.meta.url), { workerData: { work } })
  return { emitter, send: (blocks: number) => emitter.postMessage(blocks), end: () => emitter.terminate() }
}

function childProcess(work: RsaWork, ia32cap: string) {
  const file = fileURLToPath(new URL('../threads/rsa-process.js', import.meta.url))
  const emitter = fork(file, [JSON.stringify(work)], { env: { ...process.env, OPENSSL_ia32cap: ia32cap } })
  const end = async () => {
    const exit = once(emitter, 'exit')
    emitter.disconnect()
    await exit
  }
  return { emitter, send: (blocks: number) => void emitter.send(blocks), end }
}

function sealSegment(primes: PrimeCount): SegmentSecret {
  const key = randomBytes(32)
  const place = { chain: key, key, fork: 0, copy: 0, start: 0, signer: key, draw: 0 }
  return {
    codec: 'seal',
    id: segmentId(place),
    salt: randomBytes(32),
    ...rsaKeyFromSeed(randomBytes(32), primes)
  }
}

async function consume(batches: AsyncIterable<Batch>): Promise<void> {
  const tree = new TreeBuilder()
  for await (const { count, levels } of batches) tree.append(count, levels)
  tree.root()
}

export default suite
