import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ChainClient } from '../../src/client/client.js'
import { Alerts } from '../../src/daemon/alerts.js'
import { RoleWatch, type RoleStanding } from '../../src/daemon/role-watch.js'
import { SwarmError } from '../../src/errors.js'
import { opened } from '../../src/lifecycle.js'
import { createLogger, type Logger } from '../../src/log.js'
import { closeAfter } from '../helpers/close-after.js'
import { VirtualClock } from '../helpers/virtual-clock.js'

const LOOK_MS = 30_000

/** A pinner in good standing on virtual time, whose chain and reserve a test may change. */
async function watched(t: TestContext) {
  const clock = new VirtualClock()
  const view = {
    role: 'pinner',
    state: 'active',
    deposit: 100n,
    locked: 10n,
    storagePpm: 900_000,
    retrievalPpm: 800_000,
    reputationPpm: 720_000,
    usedBytes: 5,
    capacityBytes: 50,
    awaySince: 400,
    pause: { from: 2_000, until: 3_000 },
    shortCopies: 2
  }
  const world = { driftMs: 0, isAway: false, roles: [view] }
  const answer = <T>(value: () => T): Promise<T> =>
    world.isAway ? Promise.reject(new SwarmError('RPC_TIMEOUT', 'away')) : Promise.resolve(value())
  const chain = {
    account: () => answer(() => ({ balance: 7n, roles: world.roles })),
    info: () => answer(() => ({ chain: { at: clock.wall() - world.driftMs }, clockNow: 1_000 })),
    challenges: () =>
      answer(() => [
        { state: 'open', answerBy: 4_000 },
        { state: 'open', answerBy: 3_500 },
        { state: 'answered', answerBy: 1 }
      ])
  } as unknown as ChainClient
  const lines: Record<string, string>[] = []
  const base = createLogger(
    (line) => lines.push(JSON.parse(line) as Record<string, string>),
    () => 0
  )
  const alerts = await opened(new Alerts({ clock }))
  closeAfter(t, () => alerts.close())
  const standings: RoleStanding[] = []
  const role = {
    role: 'pinner' as const,
    name: 'pinner',
    registration: { capacityBytes: 50, deposit: 100n },
    reserveBytes: 0,
    participant: { publicKey: Buffer.alloc(32), chain, hypercores: 3, trouble: null },
    dir: 'anywhere',
    log: base
  }
  const watch = new RoleWatch({
    roles: [role],
    alerts,
    clock,
    freeBytes: () => Promise.resolve(1_000),
    show: (_role, standing) => void standings.push(standing)
  })
  const log: Logger = (role.log = watch.hearing('pinner', base))
  await watch.ready()
  closeAfter(t, () => watch.close())
  /** The next look, and what is raised after it. */
  const look = async (): Promise<string[]> => {
    await clock.advance(LOOK_MS)
    return alerts.raised.map(({ name }) => name)
  }
  return { clock, world, view, role, log, lines, standings, look, alerts }
}

test('how a role stands is shown, and nothing is raised while all is well', async (t) => {
  const { look, standings } = await watched(t)
  assert.deepEqual(await look(), [])
  assert.deepEqual(standings.at(-1), {
    balance: 7n,
    deposit: 100n,
    locked: 10n,
    reputationPpm: 720_000,
    usedBytes: 5,
    capacityBytes: 50,
    hypercores: 3,
    openChallenges: 2,
    deadlineMs: 2_500,
    freeBytes: 1_000,
    driftMs: 0,
    awayMs: 600,
    hasPause: true,
    shortCopies: 2
  })
})

test('what an operator must know is raised, and over when it is mended', async (t) => {
  const { look, world, view, role, log } = await watched(t)
  view.retrievalPpm = 499_999
  assert.deepEqual(await look(), ['reputation'])
  view.retrievalPpm = 500_000
  view.locked = 91n
  assert.deepEqual(await look(), ['deposit'])
  view.locked = 90n
  role.registration.deposit = 101n
  assert.deepEqual(await look(), ['deposit'])
  role.registration.deposit = 100n
  role.reserveBytes = Number.MAX_SAFE_INTEGER
  assert.deepEqual(await look(), ['disk'])
  role.reserveBytes = 0
  log('pinner.block-lost', { index: 1 })
  assert.deepEqual(await look(), ['disk'])
  log('pinner.settled', { outcome: 'failure', paid: 0n })
  assert.deepEqual(await look(), ['behind'])
  world.driftMs = -60_001
  assert.deepEqual(await look(), ['clock'])
  world.driftMs = 0
  assert.deepEqual(await look(), [])
})

test('a chain that does not answer for a minute and a half is told, and what it said before stands', async (t) => {
  const { look, world } = await watched(t)
  assert.deepEqual(await look(), [])
  world.isAway = true
  assert.deepEqual(await look(), [])
  assert.deepEqual(await look(), [])
  assert.deepEqual(await look(), ['chain'])
  world.isAway = false
  assert.deepEqual(await look(), [])
})

test('who has not registered yet, or is leaving, is not warned of its deposit', async (t) => {
  const { look, world, view } = await watched(t)
  view.deposit = 0n
  view.state = 'retiring'
  assert.deepEqual(await look(), [])
  world.roles = []
  assert.deepEqual(await look(), [])
})

test('what was passed and paid is told together, every ten minutes', async (t) => {
  const { look, log, lines } = await watched(t)
  log('pinner.settled', { outcome: 'success', paid: 3n })
  log('pinner.settled', { outcome: 'success', paid: 4n })
  for (let n = 0; n < 20; n++) await look()
  const [paid, ...more] = lines.filter(({ event }) => event === 'pinner.paid')
  assert.deepEqual([paid!.passed, paid!.paid, paid!.minutes, more.length], [2, '7', 10, 0])
})
