import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock, type Clock } from '../../../src/clock.js'
import { ProofError } from '../../../src/errors.js'
import { Signer } from '../../../src/roles/signer/signer.js'
import { acceptSegments, type IncomingSegment } from '../../../src/swarm/segment-channel.js'
import { JumpClock } from '../../helpers/jump-clock.js'
import { identity } from '../../ledger/network.js'
import { noiseBlocks } from '../../storage/support.js'
import { drawn, effects, logged, memberOptions, seen, serve, type Drawn } from '../drawn.js'
import { closeAfter } from '../../helpers/close-after.js'

const BLOCKS = noiseBlocks(6, 500, 'segment')
/** Time that work on a draw has to end by itself once it is over. */
const GRACE_MS = 10_000

/** A real signer, drawn with a pinner that does with its segments what a test says, `offers` counting from 0. */
async function signing(
  t: TestContext,
  pinner: (segment: IncomingSegment, offers: number) => Promise<void>,
  { served = BLOCKS, clock = systemClock }: { served?: Buffer[]; clock?: Clock } = {}
): Promise<Drawn & { dir: string }> {
  const of = await drawn(t, BLOCKS)
  let offers = 0
  await serve(t, of, served, {
    name: 'pinner',
    attach: (connection) =>
      acceptSegments(connection, (segment) => pinner(segment, offers++), { clock: systemClock })
  })
  const options = await memberOptions(t, of, { name: 'signer', clock })
  const registration = { capacityBytes: 1 << 30, deposit: 50_000_000n }
  const signer = new Signer({ ...options, registration, memoryBytes: 16 << 20, threads: 1 })
  closeAfter(t, () => signer.close())
  await signer.ready()
  await signer.join()
  return { ...of, dir: options.dir }
}

/** Takes all that comes, and does not look at it. */
async function take(segment: IncomingSegment): Promise<void> {
  for await (const item of segment.receive(0)) if (item.kind === 'end') segment.accept(item.checkpoint)
}

test('a signer refuses a hypercore whose author serves other blocks than it had sponsored', async (t) => {
  const served = [...BLOCKS.slice(0, 5), Buffer.from('another block')]
  const of = await signing(t, take, { served })
  const { error } = await logged(of, 'signer.refused')
  assert.equal(error?.code, 'ORIGINAL_MISMATCH')
  assert.match(error.message, /its author serves another tree of 6 blocks$/)
  const [refused] = await seen(of, 'refused')
  assert.deepEqual(refused?.by, identity('signer').publicKey)
})

test('a pinner that asks for chunks that were not offered gets none, and is offered the segment again', async (t) => {
  const of = await signing(t, async (segment, offers) => {
    if (offers > 0) return take(segment)
    for await (const { kind } of segment.receive(BLOCKS.length)) assert.fail(`the signer sent ${kind}`)
  })
  const { error } = await logged(of, 'signer.interrupted')
  assert.deepEqual(error, {
    name: 'SwarmError',
    message: 'the pinner wants chunk 6 of the segment to be the first; the first that was not sent is 0',
    code: 'SEGMENT_POSITION'
  })
  assert.equal((await logged(of, 'signer.delivered')).draw, of.assignment.draw)
})

for (const when of ['at once', 'at its end'] as const) {
  test(`a signer whose pinner refuses a segment ${when}, but not on the chain, offers it again and pays nothing`, async (t) => {
    const of = await signing(t, async (segment, offers) => {
      if (offers === 0 && when === 'at its end')
        for await (const { kind } of segment.receive(0)) if (kind === 'end') break
      if (offers === 0) throw new ProofError('SEGMENT_ROOT', 'it looks wrong')
      await take(segment)
    })
    assert.deepEqual((await logged(of, 'signer.interrupted')).error, {
      name: 'PeerError',
      message: 'it looks wrong',
      code: 'SEGMENT_ROOT'
    })
    assert.equal((await logged(of, 'signer.delivered')).draw, of.assignment.draw)
    assert.deepEqual([...effects(of, 'refused'), ...effects(of, 'penalised')], [])
  })
}

test('a signer whose pinner refused the segment on the chain too leaves it, and does not refuse it itself', async (t) => {
  const of: Drawn & { dir: string } = await signing(t, async () => {
    await of.pinner.refuse(of.assignment.draw, 'mismatch')
    throw new ProofError('SEGMENT_ROOT', 'it looks wrong')
  })
  await logged(of, 'signer.interrupted')
  const left = join(of.dir, `draw-${of.assignment.draw}`)
  await of.chain.until('nothing of the draw is left', () => !existsSync(left), false)
  assert.deepEqual(
    effects(of, 'refused').map(({ by }) => by),
    [identity('pinner').publicKey]
  )
  assert.ok(!of.lines.some(({ event }) => event === 'signer.refused'))
})

test('a transfer that its pinner lets hang is ended once the draw is over', async (t) => {
  const clock = new JumpClock()
  const of = await signing(
    t,
    async (segment) => {
      await segment.receive(0).next()
      await new Promise(() => {})
    },
    { clock }
  )
  const { draw } = of.assignment
  await seen(of, 'delivered')
  await of.pinner.refuse(draw, 'other')
  const key = join(of.dir, 'keys', String(draw))
  await of.chain.until('the signer knows that the draw is over', () => !existsSync(key), false)
  assert.ok(!of.lines.some(({ event }) => event === 'signer.stopped'))
  clock.jump(GRACE_MS)
  const { error } = await logged(of, 'signer.stopped')
  assert.deepEqual(error, { name: 'SwarmError', message: 'this draw is over', code: 'SEGMENT_OVER' })
})
